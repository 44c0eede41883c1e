-- Who was told where the content of which version is. Written in batches and no event, so that a
-- download costs no statement. A repeat within the minute counts up the row that is there.
CREATE TABLE audit.download (
    tenant_id uuid NOT NULL,
    download_id uuid NOT NULL,
    node_id uuid NOT NULL,
    version bigint NOT NULL,
    name text,
    size bigint NOT NULL,
    user_id uuid NOT NULL,
    credential_id uuid,
    by_operator boolean NOT NULL,
    at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    times bigint NOT NULL,
    request_id text NOT NULL,
    address text NOT NULL,
    user_agent text NOT NULL,
    PRIMARY KEY (tenant_id, download_id)
);
CREATE INDEX download_time ON audit.download (tenant_id, at, download_id);
CREATE INDEX download_node ON audit.download (tenant_id, node_id, at, download_id);
CREATE INDEX download_user ON audit.download (tenant_id, user_id, at, download_id);

-- What became of bytes in the store is as much as all else together, and seldom asked for.
CREATE INDEX entry_without_blobs ON audit.entry (tenant_id, at, seq)
 WHERE split_part(kind, '.', 1) <> 'blob';
