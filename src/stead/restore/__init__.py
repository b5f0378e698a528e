"""One thing back: searched in every picture and snapshot, shown first, and nothing newer overwritten."""
