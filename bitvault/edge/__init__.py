"""What every edge does before it asks a service, whatever its protocol (ADR-0043)."""
