"""The shared nouns of the house, without logic: every other room may import them, they import nobody."""
