"""The room's tables: SQL, and one function per query."""
