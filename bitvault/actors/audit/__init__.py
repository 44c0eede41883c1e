"""Audit: who did what to which node, when, and from where. Listens to every subject."""
