"""Where trials run: this process, processes beside it, machines."""
