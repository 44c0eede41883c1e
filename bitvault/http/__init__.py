"""The REST edge: wire shapes in, contracts asked, wire shapes out. No business rule lives here."""
