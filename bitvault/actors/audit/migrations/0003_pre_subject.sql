-- What people do to nodes is asked for most, and is few among what becomes of their bytes.
CREATE INDEX entry_subject ON audit.entry (tenant_id, split_part(kind, '.', 1), at, seq);
