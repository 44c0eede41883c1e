"""What is allowed in a namespace: pure functions, no I/O."""
