-- Nobody enters a tenant that is being erased.
ALTER TABLE identity.tenant ADD COLUMN closed_at timestamptz;

-- Tenants that operators let go. tenant_id is the operator's: what is left of a tenant that is gone is
-- this row, and nothing that was its own.
CREATE TABLE identity.erasure (
    tenant_id uuid NOT NULL REFERENCES identity.tenant,
    erased_id uuid NOT NULL,
    name text NOT NULL,
    state text NOT NULL CHECK (state IN ('scheduled', 'erasing', 'erased')),
    asked_by uuid NOT NULL,
    asked_at timestamptz NOT NULL,
    erase_at timestamptz NOT NULL,
    erased_at timestamptz,
    PRIMARY KEY (tenant_id, erased_id),
    CHECK ((state = 'erased') = (erased_at IS NOT NULL))
);
CREATE INDEX erasure_due ON identity.erasure (erase_at) WHERE state <> 'erased';
