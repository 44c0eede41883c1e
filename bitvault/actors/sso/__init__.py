"""The sso room: who vouches for a tenant's users, and how one comes in that way."""
