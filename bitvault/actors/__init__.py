"""The rooms: each module of the platform in one folder of the same shape (ADR-0001)."""
