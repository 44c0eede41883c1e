-- forget_old --
DELETE FROM identity.device WHERE tenant_id = :tenant_id AND expires_at <= :now;

-- waiting --
-- Counts no further than the limit.
SELECT count(*) AS count FROM (
    SELECT 1 FROM identity.device WHERE tenant_id = :tenant_id LIMIT :most
) AS counted;

-- insert_device --
INSERT INTO identity.device (
    tenant_id, device_hash, user_hash, name, address, user_agent, created_at, expires_at, state
)
VALUES (
    :tenant_id, :device_hash, :user_hash, :name, :address, :user_agent, :now, :expires_at, 'waiting'
)
ON CONFLICT DO NOTHING
RETURNING device_hash;

-- device_typed --
SELECT * FROM identity.device
WHERE tenant_id = :tenant_id AND user_hash = :user_hash AND state = 'waiting' AND expires_at > :now;

-- device_polling --
SELECT * FROM identity.device
WHERE tenant_id = :tenant_id AND device_hash = :device_hash AND expires_at > :now;

-- insert_unclaimed --
-- One for each code, whoever approves: who comes second waits for the first here, and finds it.
INSERT INTO identity.credential (
    tenant_id, user_id, credential_id, kind, name, prefix, secret_hash, created_at, expires_at,
    address, user_agent, scope
)
VALUES (
    :tenant_id, :user_id, :credential_id, :kind, :name, '', :unclaimed, :now, :expires_at,
    :address, :user_agent, :scope
)
ON CONFLICT (secret_hash) DO NOTHING
RETURNING credential_id;

-- answer_device --
-- One answer: who comes second finds nothing that waits.
UPDATE identity.device
SET state = :state, for_tenant_id = :for_tenant_id, for_user_id = :for_user_id,
    credential_id = :credential_id
WHERE tenant_id = :tenant_id AND user_hash = :user_hash AND state = 'waiting' AND expires_at > :now
RETURNING device_hash;

-- claim_session --
-- Its device takes it, once: whoever ended the user's sessions meanwhile ended this one as well.
UPDATE identity.credential
SET secret_hash = :secret_hash, prefix = :prefix, created_at = :now, expires_at = :expires_at,
    idle_expires_at = :idle_expires_at, address = :address, user_agent = :user_agent,
    secret_expires_at = :secret_expires_at, family_hash = :family_hash,
    refresh_digest = :refresh_digest
WHERE tenant_id = :tenant_id AND credential_id = :credential_id AND secret_hash = :unclaimed
    AND expires_at > :now
RETURNING name;
