"""The way to other processes."""
