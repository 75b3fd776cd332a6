"""The language server: a spec's text comes from an editor, and answers go back in its protocol."""
