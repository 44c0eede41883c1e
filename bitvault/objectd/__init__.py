"""The embedded object store: a small, honest S3 subset in its own OS process.

Start it with `python -m bitvault.objectd`. It imports nothing of the rest of BitVault, so that
one driver serves it and every real S3 (ADR-0012).

How a PUT travels::

    server     one task per connection, h11 for heads, raw reads for bodies
      └ auth   sigv4 (pure) and credentials decide before a byte of the body is read
        └ router   one table: method + subresource → operation, permission, parameters
          └ objects | multipart | listing   S3's semantics
            └ store   bytes in blobs (files), truth in SQLite, many PUTs to one commit
"""
