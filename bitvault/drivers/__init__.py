"""Our side of every outside system: a port, and the real thing behind it.

The only place where asyncio libraries may be imported (ADR-0005).
"""
