"""The calendar program as it runs inside the machine."""
