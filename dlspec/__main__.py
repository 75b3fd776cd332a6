"""``python -m dlspec``."""

from dlspec.cli import main

main()
