"""Pages of the documentation site that are generated, and the hook by which MkDocs gets them."""
