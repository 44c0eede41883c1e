"""The state of rate limits."""
