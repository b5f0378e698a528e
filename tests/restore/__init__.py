"""Tests of one thing back."""
