"""Secrets at rest that must be read again: sealed with a key which is not in the database."""
