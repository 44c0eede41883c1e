"""The finalizer: ends what its owners left unfinished."""
