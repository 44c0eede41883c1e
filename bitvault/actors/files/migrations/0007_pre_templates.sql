-- What new spaces of a kind start with: a folder of the tenant. One that is gone is none.
CREATE TABLE files.template (
    tenant_id uuid NOT NULL,
    kind      text NOT NULL CHECK (kind IN ('personal', 'team')),
    node_id   uuid NOT NULL,
    PRIMARY KEY (tenant_id, kind)
);
