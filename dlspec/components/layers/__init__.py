"""The layers, a family per file. Each is declared once; see CONTRIBUTING.md, "Adding a layer"."""
