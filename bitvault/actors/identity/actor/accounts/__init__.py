"""Accounts and credentials: who the users are, and by which secrets they come."""
