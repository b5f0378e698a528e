"""Data in and out: archives and accounts of other providers come in, everything goes out in open formats.

Three processes, see decision 21. The broker (``importing``, root) opens what the owner named and keeps the ledger; the
reader (``reading``, nobody) parses; a writer for each service (``writing``, that service's user, locked into the one
account's folder) puts things in place. Going out, ``exporting`` is the story and ``giving`` the unprivileged helper.
"""
