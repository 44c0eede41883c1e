"""The shapes of the REST interface: one definition for server, SDK and OpenAPI (ADR-0007).

Imports nothing of the server. Requests refuse unknown fields; responses tolerate them, so that an
older client can talk to a newer server.
"""
