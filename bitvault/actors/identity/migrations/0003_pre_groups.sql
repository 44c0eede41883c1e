-- Groups of users, without groups in groups: whose they are is one look into one index.
CREATE TABLE identity.user_group (
    tenant_id uuid NOT NULL REFERENCES identity.tenant,
    group_id uuid NOT NULL,
    name text NOT NULL,
    name_key text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, group_id),
    UNIQUE (tenant_id, name_key)
);

CREATE TABLE identity.membership (
    tenant_id uuid NOT NULL,
    group_id uuid NOT NULL,
    user_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, group_id, user_id),
    FOREIGN KEY (tenant_id, group_id) REFERENCES identity.user_group ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES identity.account
);

CREATE INDEX membership_user ON identity.membership (tenant_id, user_id, group_id);
