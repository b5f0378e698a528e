"""keeper."""
