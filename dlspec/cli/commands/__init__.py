"""One command per file; the file's name is the command's, its ``command`` the click command."""
