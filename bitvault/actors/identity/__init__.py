"""Identity: tenants, users, passwords, sessions and API tokens."""
