"""The recovery kit: one encrypted file and a page to print, made, confirmed, and known when it is stale."""
