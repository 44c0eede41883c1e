-- The platform's operators, who keep tenants and see nothing in them; and what a tenant may do.
ALTER TABLE identity.tenant
    ADD COLUMN suspended_at timestamptz,
    ADD COLUMN max_users integer CHECK (max_users >= 1);

ALTER TABLE identity.account ADD COLUMN is_operator boolean NOT NULL DEFAULT false;

-- Who has run the platform so far: the first user of the first tenant. As in 0004 for the policies.
ALTER TABLE identity.tenant NO FORCE ROW LEVEL SECURITY;
ALTER TABLE identity.account NO FORCE ROW LEVEL SECURITY;
UPDATE identity.account SET is_operator = true
WHERE (tenant_id, user_id) = (
    SELECT a.tenant_id, a.user_id
    FROM identity.account AS a
    WHERE a.tenant_id = (SELECT tenant_id FROM identity.tenant ORDER BY created_at, tenant_id LIMIT 1)
    ORDER BY a.created_at, a.user_id
    LIMIT 1
);
ALTER TABLE identity.account FORCE ROW LEVEL SECURITY;
ALTER TABLE identity.tenant FORCE ROW LEVEL SECURITY;

CREATE INDEX account_operator ON identity.account (tenant_id, user_id) WHERE is_operator;
