-- forget_old --
-- Chosen before, once: a subquery that locks may be run again, and choose others.
WITH old AS MATERIALIZED (
    SELECT device_hash FROM identity.device
    WHERE tenant_id = :tenant_id AND expires_at <= :now
    ORDER BY expires_at
    LIMIT 100
    FOR UPDATE SKIP LOCKED
)
DELETE FROM identity.device
WHERE tenant_id = :tenant_id AND device_hash IN (SELECT device_hash FROM old);

-- waiting --
-- Counts no further than the limit; what was answered takes nobody's place.
SELECT count(*) AS count FROM (
    SELECT 1 FROM identity.device
    WHERE tenant_id = :tenant_id AND state = 'waiting' AND expires_at > :now
    LIMIT :most
) AS counted;

-- make_room --
-- The oldest of a site that has n has the rank n: so who has begun one only is the last to go.
WITH ranked AS (
    SELECT w.device_hash, w.expires_at,
        row_number() OVER (PARTITION BY w.site ORDER BY w.expires_at DESC, w.device_hash) AS rank
    FROM (
        SELECT device_hash, site, expires_at FROM identity.device
        WHERE tenant_id = :tenant_id AND state = 'waiting' AND expires_at > :now
        LIMIT :most
    ) AS w
), chosen AS MATERIALIZED (
    SELECT device_hash FROM ranked ORDER BY rank DESC, expires_at LIMIT :number
), held AS MATERIALIZED (
    SELECT d.device_hash FROM identity.device AS d
    WHERE d.tenant_id = :tenant_id AND d.state = 'waiting'
        AND d.device_hash IN (SELECT device_hash FROM chosen)
    FOR UPDATE SKIP LOCKED
)
DELETE FROM identity.device
WHERE tenant_id = :tenant_id AND device_hash IN (SELECT device_hash FROM held);

-- insert_device --
INSERT INTO identity.device (
    tenant_id, device_hash, user_hash, name, address, site, user_agent, created_at, expires_at,
    state
)
VALUES (
    :tenant_id, :device_hash, :user_hash, :name, :address, :site, :user_agent, :now, :expires_at,
    'waiting'
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
