-- Where users get mail, and what comes by mail: invitations, new passwords, new addresses. Of each
-- secret only the SHA-256 is kept, and that from the moment on at which it is sent.
CREATE TABLE identity.mailbox (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    email text,
    verified_at timestamptz,
    proposed text,
    proposed_hash bytea,
    proposed_until timestamptz,
    muted text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES identity.account,
    CHECK ((email IS NULL) = (verified_at IS NULL))
);

CREATE TABLE identity.invitation (
    tenant_id uuid NOT NULL REFERENCES identity.tenant,
    invitation_id uuid NOT NULL,
    email text NOT NULL,
    login text NOT NULL,
    login_key text NOT NULL,
    display_name text NOT NULL,
    is_admin boolean NOT NULL,
    group_ids uuid[] NOT NULL,
    invited_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    secret_hash bytea UNIQUE,
    PRIMARY KEY (tenant_id, invitation_id),
    UNIQUE (tenant_id, login_key)
);

-- One for each user: the latest mail is the one that is good.
CREATE TABLE identity.reset (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    secret_hash bytea NOT NULL UNIQUE,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES identity.account
);
