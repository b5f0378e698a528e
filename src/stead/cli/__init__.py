"""The command line: what the owner types and sees. It calls room functions and says what they answered."""
