"""What everything shares: diagnostics and their codes, writing of files, places in a text, types of tensors."""
