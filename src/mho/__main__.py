"""``python -m mho``: the command line without its script."""

from mho.cli import entry

entry()
