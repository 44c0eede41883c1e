CREATE SCHEMA identity;

CREATE TABLE identity.tenant (
    tenant_id uuid PRIMARY KEY,
    name text NOT NULL,
    name_key text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL
);

CREATE TABLE identity.account (
    tenant_id uuid NOT NULL REFERENCES identity.tenant,
    user_id uuid NOT NULL,
    login text NOT NULL,
    login_key text NOT NULL,
    display_name text NOT NULL,
    password_hash text NOT NULL,
    is_admin boolean NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    UNIQUE (tenant_id, login_key)
);

-- Sessions and API tokens: opaque secrets, of which only the SHA-256 is kept.
CREATE TABLE identity.credential (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    credential_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('session', 'token')),
    name text NOT NULL,
    prefix text NOT NULL,
    secret_hash bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    idle_expires_at timestamptz,
    last_used_at timestamptz,
    address text NOT NULL,
    user_agent text NOT NULL,
    PRIMARY KEY (tenant_id, credential_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES identity.account
);

CREATE INDEX credential_user ON identity.credential (tenant_id, user_id, kind, credential_id DESC);
