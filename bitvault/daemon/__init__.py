"""`bitvaultd`: settings, the data folder, logs, and then the tree, until somebody says stop."""

from bitvault.daemon.program import main

__all__ = ["main"]
