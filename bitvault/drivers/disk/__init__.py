"""The disk of the data folder: how much is free."""
