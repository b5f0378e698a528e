"""Data in and out: from other providers and programs, and everything back in open formats."""
