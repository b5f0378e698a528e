"""The keeper's small acts, by what they load: most run every minute, so none waits for what it does not need."""
