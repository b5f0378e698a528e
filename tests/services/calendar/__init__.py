"""Tests of the calendar service."""
