"""The routes of the toys."""
