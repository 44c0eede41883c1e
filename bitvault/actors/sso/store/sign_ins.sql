-- drop_old_attempts --
DELETE FROM sso.attempt WHERE tenant_id = :tenant_id AND expires_at <= :now;

-- drop_old_tickets --
DELETE FROM sso.ticket WHERE tenant_id = :tenant_id AND expires_at <= :now;

-- drop_old_logouts --
DELETE FROM sso.logout WHERE tenant_id = :tenant_id AND expires_at <= :now;

-- insert_attempt --
-- No row: the provider is gone, or about to be.
INSERT INTO sso.attempt (
    tenant_id, state_hash, browser_hash, provider_id, return_to, client_state, challenge,
    redirect_uri, expires_at
)
SELECT :tenant_id, :state_hash, :browser_hash, :provider_id, :return_to, :client_state, :challenge,
    :redirect_uri, :expires_at
FROM sso.provider
WHERE tenant_id = :tenant_id AND provider_id = :provider_id AND NOT is_leaving
FOR KEY SHARE
RETURNING state_hash;

-- take_attempt --
-- Once, by the browser that began it, at the provider that it was sent to.
DELETE FROM sso.attempt
WHERE tenant_id = :tenant_id AND state_hash = :state_hash AND browser_hash = :browser_hash
    AND provider_id = :provider_id AND expires_at > :now
RETURNING return_to, client_state, challenge, redirect_uri;

-- insert_ticket --
-- No row: the provider is gone, or about to be.
INSERT INTO sso.ticket (
    tenant_id, code_hash, provider_id, user_id, challenge, expires_at, subject, sid
)
SELECT :tenant_id, :code_hash, :provider_id, :user_id, :challenge, :expires_at, :subject, :sid
FROM sso.provider
WHERE tenant_id = :tenant_id AND provider_id = :provider_id AND NOT is_leaving
FOR KEY SHARE
RETURNING code_hash;

-- tenant_of_ticket, across tenants --
-- Who redeems says none.
SELECT tenant_id FROM sso.ticket WHERE code_hash = :code_hash;

-- take_ticket --
DELETE FROM sso.ticket
WHERE tenant_id = :tenant_id AND code_hash = :code_hash
RETURNING user_id, challenge, expires_at > :now AS is_live, provider_id, sid;

-- drop_tickets --
-- Of a subject, of a session of the provider's, or of both; as identity ends sessions.
DELETE FROM sso.ticket
WHERE tenant_id = :tenant_id AND provider_id = :provider_id
    AND (:subject::text IS NULL OR subject = :subject)
    AND (:sid::text IS NULL OR sid = :sid OR (sid IS NULL AND :subject::text IS NOT NULL));

-- is_heeded --
SELECT FROM sso.logout
WHERE tenant_id = :tenant_id AND provider_id = :provider_id AND token_hash = :token_hash;

-- insert_logout --
-- No row: it came twice at the same moment.
INSERT INTO sso.logout (tenant_id, provider_id, token_hash, expires_at)
VALUES (:tenant_id, :provider_id, :token_hash, :expires_at)
ON CONFLICT DO NOTHING
RETURNING token_hash;
