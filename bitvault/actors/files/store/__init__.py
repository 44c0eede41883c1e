"""The room's tables, each file beside the queries it runs."""
