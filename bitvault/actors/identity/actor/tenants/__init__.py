"""Tenants and policies, as their operators and admins keep them."""
