-- Who takes a tenant along, and when its trail was last told so. An operator is an account of another
-- tenant, so nothing refers to it.
CREATE TABLE identity.export (
    tenant_id uuid NOT NULL REFERENCES identity.tenant,
    operator_id uuid NOT NULL,
    noted_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, operator_id)
);
