"""``python -m stead.cli`` is the ``stead`` command."""

from stead.cli.door import main

main()
