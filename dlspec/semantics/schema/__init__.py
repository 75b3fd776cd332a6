"""The JSON schema: generated from the registry, and a spec's data held against it."""
