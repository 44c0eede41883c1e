"""The shapes of the REST interface, shared by the edge and the SDK; they import nothing of ours.

msgspec Structs, not attrs: one definition validates at C speed, names the field a client got
wrong, refuses unknown fields, and yields the JSON Schema of the OpenAPI document (ADR-0007).
"""
