"""Programs that are run inside the live machine to put things back; each is one file, sent whole."""
