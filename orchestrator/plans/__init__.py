"""Text to tracks, and back to the one line of text that changes. Pure."""
