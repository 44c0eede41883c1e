"""Decisions of this room: what a provider may be, and which of its words count."""
