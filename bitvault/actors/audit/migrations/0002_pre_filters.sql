-- An admin asks what happened lately, to a node, or by somebody: each a range of an index, however
-- long the trail.
CREATE INDEX entry_time ON audit.entry (tenant_id, at, seq);
CREATE INDEX entry_aggregate ON audit.entry (tenant_id, aggregate_id, at, seq);
CREATE INDEX entry_user ON audit.entry (tenant_id, user_id, at, seq);
