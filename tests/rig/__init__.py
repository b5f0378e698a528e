"""What tests stand on: the release built once for a run, homes, people with mail programs, whole Debian hosts."""
