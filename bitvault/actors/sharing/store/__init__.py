"""Rows of the room, and the statements that read and write them."""
