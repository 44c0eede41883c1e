"""Decisions of the notifier: who is told of what, when to try again, and in which words."""
