"""The vocabulary every room shares. No I/O; a name enters only when three rooms need it."""
