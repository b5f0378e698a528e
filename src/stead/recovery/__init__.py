"""A new computer from nothing but the kit: serving from the place at once, then moved onto its own disk."""
