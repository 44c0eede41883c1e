"""The Python SDK: ``Client`` for the control plane, ``put_file`` and kin for bytes.

It imports nothing of the server and could ship alone (ADR-0014).
"""
