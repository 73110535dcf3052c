"""Statistics of English prose."""
