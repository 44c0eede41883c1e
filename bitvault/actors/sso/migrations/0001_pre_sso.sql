CREATE SCHEMA sso;

-- Who vouches for a tenant's users. The secret is sealed with a key that is not in the database.
CREATE TABLE sso.provider (
    tenant_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    name text NOT NULL,
    name_key text COLLATE "C" NOT NULL,
    issuer text NOT NULL,
    client_id text NOT NULL,
    sealed_secret bytea,
    scopes text[] NOT NULL,
    login_claim text NOT NULL,
    groups_claim text,
    group_prefix text NOT NULL,
    group_map text NOT NULL,
    makes_users boolean NOT NULL,
    email_domains text[] NOT NULL,
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, provider_id),
    UNIQUE (tenant_id, name_key)
);

CREATE UNIQUE INDEX provider_id ON sso.provider (provider_id);

-- A sign-in under way: gone when it is taken up, and of no use without the browser's cookie, from
-- which the verifier and the nonce are made.
CREATE TABLE sso.attempt (
    tenant_id uuid NOT NULL,
    state_hash bytea NOT NULL,
    browser_hash bytea NOT NULL,
    provider_id uuid NOT NULL,
    return_to text NOT NULL,
    client_state text NOT NULL,
    challenge text NOT NULL,
    redirect_uri text NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, state_hash),
    FOREIGN KEY (tenant_id, provider_id) REFERENCES sso.provider ON DELETE CASCADE
);

CREATE INDEX attempt_end ON sso.attempt (tenant_id, expires_at);

-- A sign-in that succeeded, until the client that began it takes its session.
CREATE TABLE sso.ticket (
    tenant_id uuid NOT NULL,
    code_hash bytea NOT NULL UNIQUE,
    provider_id uuid NOT NULL,
    user_id uuid NOT NULL,
    challenge text NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, code_hash),
    FOREIGN KEY (tenant_id, provider_id) REFERENCES sso.provider ON DELETE CASCADE
);

CREATE INDEX ticket_end ON sso.ticket (tenant_id, expires_at);
