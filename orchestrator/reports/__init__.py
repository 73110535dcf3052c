"""Facts into words. Pure."""
