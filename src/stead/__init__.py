"""Stead: a personal server that does its own administration and proves it."""

__version__ = "0.1.0"
