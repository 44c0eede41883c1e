"""Requests to servers of others: what tenants name must not lead into the operator's network."""
