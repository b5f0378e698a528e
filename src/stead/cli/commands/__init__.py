"""One file per verb; each has ``command`` and is loaded only when its verb is called."""
