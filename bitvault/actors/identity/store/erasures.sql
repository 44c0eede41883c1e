-- put_erasure --
-- No row: it has begun.
INSERT INTO identity.erasure (
    tenant_id, erased_id, name, state, asked_by, asked_at, erase_at
)
VALUES (:tenant_id, :erased_id, :name, 'scheduled', :asked_by, :now, :erase_at)
ON CONFLICT (tenant_id, erased_id) DO UPDATE
SET erase_at = excluded.erase_at, asked_by = excluded.asked_by, asked_at = excluded.asked_at
WHERE erasure.state = 'scheduled'
RETURNING erased_id;

-- revoke_erasure --
-- Whoever begins it at this moment is waited for; no row then: it has begun.
DELETE FROM identity.erasure
WHERE tenant_id = :tenant_id AND erased_id = :erased_id AND state = 'scheduled'
RETURNING name;

-- erasures, across tenants --
-- Of all operators.
SELECT tenant_id AS keeper_id, erased_id, name, state, asked_at, erase_at, erased_at
FROM identity.erasure
WHERE :erased_id::uuid IS NULL OR erased_id = :erased_id
ORDER BY asked_at DESC, erased_id
LIMIT 1000;

-- due_erasures, across tenants --
-- Whose time has come, and who is not all gone.
SELECT tenant_id AS keeper_id, erased_id, name, state, asked_at, erase_at, erased_at
FROM identity.erasure
WHERE state <> 'erased' AND erase_at <= :now
ORDER BY erase_at
LIMIT 100;

-- backlog, across tenants --
-- How many are due, up to 10,000, and since when.
SELECT count(*) AS waiting, min(erase_at) AS since
FROM (
    SELECT erase_at FROM identity.erasure
    WHERE state <> 'erased' AND erase_at <= :now
    ORDER BY erase_at
    LIMIT 10000
) AS due;

-- begin_erasure --
UPDATE identity.erasure SET state = 'erasing'
WHERE tenant_id = :tenant_id AND erased_id = :erased_id AND state = 'scheduled'
    AND erase_at <= :now
RETURNING name;

-- finish_erasure --
UPDATE identity.erasure SET state = 'erased', erased_at = :now
WHERE tenant_id = :tenant_id AND erased_id = :erased_id AND state = 'erasing'
RETURNING name;

-- is_export_noted --
SELECT noted_at FROM identity.export
WHERE tenant_id = :tenant_id AND operator_id = :operator_id AND noted_at > :since;

-- note_export --
-- No row: it is noted; then nothing is written either.
INSERT INTO identity.export AS e (tenant_id, operator_id, noted_at)
SELECT :tenant_id, :operator_id, :now
WHERE NOT EXISTS (
    SELECT FROM identity.export
    WHERE tenant_id = :tenant_id AND operator_id = :operator_id AND noted_at > :since
)
ON CONFLICT (tenant_id, operator_id) DO UPDATE SET noted_at = excluded.noted_at
WHERE e.noted_at <= :since
RETURNING operator_id;

-- close_tenant --
UPDATE identity.tenant SET closed_at = :now, suspended_at = coalesce(suspended_at, :now)
WHERE tenant_id = :tenant_id AND closed_at IS NULL;

-- keeps_platform --
-- Whether there are operators in a tenant, or it keeps the records of others that are leaving.
SELECT EXISTS (
    SELECT FROM identity.account WHERE tenant_id = :tenant_id AND is_operator
) OR EXISTS (
    SELECT FROM identity.erasure WHERE tenant_id = :tenant_id AND state <> 'erased'
) AS it_does;
