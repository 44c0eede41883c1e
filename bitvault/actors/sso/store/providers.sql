-- hold_name --
-- Two admins who add at once take turns, so that there are no more than the most.
SELECT pg_advisory_xact_lock(hashtextextended('sso.provider ' || :tenant_id::uuid::text, 0));

-- insert_provider --
INSERT INTO sso.provider (
    tenant_id, provider_id, name, name_key, issuer, client_id, sealed_secret, scopes, login_claim,
    groups_claim, group_prefix, group_map, external_id_claim, quota_claim, makes_users, email_domains, revision,
    created_at
)
VALUES (
    :tenant_id, :provider_id, :name, :name_key, :issuer, :client_id, :sealed_secret, :scopes,
    :login_claim, :groups_claim, :group_prefix, :group_map, :external_id_claim, :quota_claim, :makes_users,
    :email_domains, 1, :now
);

-- update_provider --
UPDATE sso.provider
SET name = :name, name_key = :name_key, client_id = :client_id, sealed_secret = :sealed_secret,
    scopes = :scopes, login_claim = :login_claim, groups_claim = :groups_claim,
    group_prefix = :group_prefix, group_map = :group_map,
    external_id_claim = :external_id_claim, quota_claim = :quota_claim,
    makes_users = :makes_users, email_domains = :email_domains, revision = revision + 1
WHERE tenant_id = :tenant_id AND provider_id = :provider_id;

-- begin_leaving --
-- From now on nobody signs in with it. Who is about to is told so when they come for their ticket.
UPDATE sso.provider SET is_leaving = TRUE
WHERE tenant_id = :tenant_id AND provider_id = :provider_id
RETURNING provider_id;

-- delete_provider --
DELETE FROM sso.provider
WHERE tenant_id = :tenant_id AND provider_id = :provider_id
RETURNING name, issuer;

-- providers --
SELECT tenant_id, provider_id, name, issuer, client_id, sealed_secret, scopes, login_claim,
    groups_claim, group_prefix, group_map, external_id_claim, quota_claim, makes_users, email_domains, revision,
    created_at, is_leaving
FROM sso.provider
WHERE tenant_id = :tenant_id
ORDER BY name_key;

-- provider --
SELECT tenant_id, provider_id, name, issuer, client_id, sealed_secret, scopes, login_claim,
    groups_claim, group_prefix, group_map, external_id_claim, quota_claim, makes_users, email_domains, revision,
    created_at, is_leaving
FROM sso.provider
WHERE tenant_id = :tenant_id AND provider_id = :provider_id;

-- tenant_of_provider, across tenants --
-- Who signs in, or out at the provider, says no tenant.
SELECT tenant_id FROM sso.provider WHERE provider_id = :provider_id;
