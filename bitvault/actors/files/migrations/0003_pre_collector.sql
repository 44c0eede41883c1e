-- For the collector (ADR-0013). It looks across tenants by age and acts inside one by key, so its
-- indexes begin with a time, unlike all others; each holds only what is still to be done.

-- A blob is unused exactly when it says since when. The predicate of its index names a column that
-- an ordinary new reference does not change, so that such an update stays in its page.
ALTER TABLE files.blob ADD CONSTRAINT blob_zero CHECK ((refs = 0) = (zero_since IS NOT NULL));
DROP INDEX files.blob_unused;
CREATE INDEX blob_idle ON files.blob (zero_since) WHERE zero_since IS NOT NULL AND state = 'live';

-- Object keys that no blob names any more, or is about to. A commit may take a condemned blob over
-- with a key of its own; the key that it had is still here then.
CREATE TABLE files.condemned (
    tenant_id    uuid        NOT NULL,
    object_key   text        NOT NULL,
    hash         text        NOT NULL,
    condemned_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, object_key)
);
CREATE INDEX condemned_oldest ON files.condemned (condemned_at);

-- Purged nodes: their own rows are gone, their children or versions not yet. So every node without
-- a parent has its parent_id here, and every version without a node its node_id.
CREATE TABLE files.purge (
    tenant_id uuid        NOT NULL,
    node_id   uuid        NOT NULL,
    space_id  uuid        NOT NULL,
    purged_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, node_id)
);
CREATE INDEX purge_oldest ON files.purge (purged_at);

DROP INDEX files.upload_expiry;
CREATE INDEX upload_overdue ON files.upload (expires_at) WHERE state = 'open';
CREATE INDEX upload_ended ON files.upload (expires_at) WHERE state <> 'open';
CREATE INDEX idempotency_expiry ON files.idempotency (expires_at);
