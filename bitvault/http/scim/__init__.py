"""SCIM 2.0 (RFC 7642 to 7644): its filters, changes, descriptions and faults, without effects."""
