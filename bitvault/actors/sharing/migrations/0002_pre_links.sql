-- Links: whoever has the token may do what the link says (ADR-0019). What it may do is a grant like
-- any other, to the link itself, and is gone with it.

ALTER TABLE sharing.granted DROP CONSTRAINT granted_grantee_kind_check;
ALTER TABLE sharing.granted ADD CONSTRAINT granted_grantee_kind_check
    CHECK (grantee_kind IN ('user', 'group', 'everyone', 'link'));

CREATE TABLE sharing.link (
    tenant_id     uuid        NOT NULL,
    link_id       uuid        NOT NULL,
    node_id       uuid        NOT NULL,
    token_digest  bytea       NOT NULL,
    role          text        NOT NULL CHECK (role IN ('viewer', 'editor')),
    label         text        NOT NULL,
    password_hash text,
    expires_at    timestamptz,
    max_downloads bigint      CHECK (max_downloads > 0),
    downloads     bigint      NOT NULL DEFAULT 0,
    is_revoked    boolean     NOT NULL DEFAULT FALSE,
    revision      bigint      NOT NULL DEFAULT 1,
    created_by    uuid        NOT NULL,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, link_id)
);
CREATE UNIQUE INDEX link_token ON sharing.link (token_digest);
CREATE INDEX link_node ON sharing.link (tenant_id, node_id, link_id) WHERE node_id IS NOT NULL;
CREATE INDEX link_maker ON sharing.link (tenant_id, created_by, link_id)
    WHERE created_by IS NOT NULL;
