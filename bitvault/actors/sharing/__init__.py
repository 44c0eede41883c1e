"""Who else may do what: grants on nodes, and how they are told (ADR-0018)."""
