"""The finalizer is asked nothing; it looks by itself, on a timer."""
