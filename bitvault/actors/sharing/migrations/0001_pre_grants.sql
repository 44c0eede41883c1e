-- Grants on nodes (ADR-0018). A node knows nothing of them; one that is gone leaves its grants to
-- the consumer of node.purged.

CREATE SCHEMA IF NOT EXISTS sharing;

-- rights is the role in bits (kernel/access.py), for the statements that add up a chain of nodes.
-- The nil grantee is every user of the tenant; a restricted folder is its STOP bit.
CREATE TABLE sharing.granted (
    tenant_id    uuid        NOT NULL,
    node_id      uuid        NOT NULL,
    grantee_id   uuid        NOT NULL,
    grantee_kind text        NOT NULL CHECK (grantee_kind IN ('user', 'group', 'everyone')),
    grant_id     uuid        NOT NULL,
    role         text        CHECK (role IN ('viewer', 'editor', 'manager')),
    rights       integer     NOT NULL,
    revision     bigint      NOT NULL DEFAULT 1,
    granted_by   uuid        NOT NULL,
    granted_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, node_id, grantee_id),
    CHECK ((grantee_kind = 'everyone') = (grantee_id = '00000000-0000-0000-0000-000000000000')),
    CHECK (role IS NOT NULL OR grantee_kind = 'everyone')
);
CREATE INDEX granted_to ON sharing.granted (tenant_id, grantee_id, node_id) WHERE role IS NOT NULL;
