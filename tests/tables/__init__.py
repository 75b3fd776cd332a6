"""Public tables that `dlspec init` writes specs for: ``make tables``."""
