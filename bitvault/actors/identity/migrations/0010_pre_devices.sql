-- Logins that wait on machines without a browser (RFC 8628). Of their codes only the SHA-256 is kept.
-- Whose they are is not known until somebody approves: until then, and here always, the tenant is the
-- one of all zeros, which is nobody's.
CREATE TABLE identity.device (
    tenant_id uuid NOT NULL,
    device_hash bytea NOT NULL,
    user_hash bytea NOT NULL,
    name text NOT NULL,
    address text NOT NULL,
    user_agent text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'approved', 'denied')),
    for_tenant_id uuid,
    for_user_id uuid,
    credential_id uuid,
    PRIMARY KEY (tenant_id, device_hash),
    UNIQUE (tenant_id, user_hash),
    CHECK (tenant_id = '00000000-0000-0000-0000-000000000000'),
    CHECK ((state = 'approved') = (credential_id IS NOT NULL)),
    CHECK ((credential_id IS NULL) = (for_tenant_id IS NULL AND for_user_id IS NULL))
);

CREATE INDEX device_expiry ON identity.device (tenant_id, expires_at);
