ALTER TABLE sso.provider
    ADD COLUMN quota_claim text,
    -- It lets nobody in any more, and what it gave is being taken back.
    ADD COLUMN is_leaving boolean NOT NULL DEFAULT FALSE;

-- Whom the provider means, and in which session of its own: what a logout there names.
ALTER TABLE sso.ticket
    ADD COLUMN subject text,
    ADD COLUMN sid text;

-- Logout tokens that were heeded, for as long as they would be good.
CREATE TABLE sso.logout (
    tenant_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, provider_id, token_hash),
    FOREIGN KEY (tenant_id, provider_id) REFERENCES sso.provider ON DELETE CASCADE
);

CREATE INDEX logout_end ON sso.logout (tenant_id, expires_at);
