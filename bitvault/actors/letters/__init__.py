"""Dead letters: what consumers could not apply, for the admins of the tenant it happened in."""
