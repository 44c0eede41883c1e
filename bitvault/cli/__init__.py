"""``bitvault``: the command line for people and scripts, on the SDK."""
