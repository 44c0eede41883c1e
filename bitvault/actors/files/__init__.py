"""Files: the namespace, and the source of truth."""
