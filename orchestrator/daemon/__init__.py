"""The imperative shell: one loop that gathers facts, lets the core decide, performs, and waits."""
