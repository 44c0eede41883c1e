"""Toys: a service that keeps names of toys, and counts them."""
