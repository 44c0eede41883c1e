-- open_objects --
-- In id order, so that two messages with the same ids can't deadlock.
INSERT INTO storage.object (
    tenant_id, upload_id, key, state, size, hash, part_size, part_count, created_at
)
SELECT
    :tenant_id, d.upload_id, d.key, 'open', d.size, d.hash, d.part_size, d.part_count, :now
FROM unnest(
    :upload_ids::uuid[], :keys::text[], :sizes::bigint[], :hashes::text[],
    :part_sizes::bigint[], :part_counts::integer[]
) AS d (upload_id, key, size, hash, part_size, part_count)
ORDER BY d.upload_id
ON CONFLICT (tenant_id, upload_id) DO NOTHING
RETURNING
    upload_id, key, sealed_key, state, size, hash, part_size, part_count, multipart_id;

-- find_objects --
SELECT upload_id, key, sealed_key, state, size, hash, part_size, part_count, multipart_id
FROM storage.object
WHERE tenant_id = :tenant_id AND upload_id = any(:upload_ids::uuid[]);

-- set_multiparts --
-- The first one to name a multipart upload wins; the loser aborts its own.
UPDATE storage.object AS o
SET multipart_id = d.multipart_id
FROM unnest(:upload_ids::uuid[], :multipart_ids::text[]) AS d (upload_id, multipart_id)
WHERE
    o.tenant_id = :tenant_id AND o.upload_id = d.upload_id
    AND o.state = 'open' AND o.multipart_id IS NULL;

-- add_scratch --
-- A copy's target is garbage until the seal that takes it over.
INSERT INTO storage.object (
    tenant_id, upload_id, key, state, size, part_size, part_count, created_at, discarded_at
)
VALUES (:tenant_id, :upload_id, :key, 'garbage', :size, 0, 0, :now, :now);

-- seal_objects --
UPDATE storage.object AS o
SET state = 'sealed', hash = d.hash, sealed_key = d.sealed_key, sealed_at = :now
FROM unnest(:upload_ids::uuid[], :hashes::text[], :sealed_keys::text[])
    AS d (upload_id, hash, sealed_key)
WHERE o.tenant_id = :tenant_id AND o.upload_id = d.upload_id AND o.state = 'open'
RETURNING o.upload_id;

-- take_scratch --
DELETE FROM storage.object
WHERE tenant_id = :tenant_id AND key = any(:keys::text[]) AND state = 'garbage';

-- discard_objects --
-- Repeats pick up what an earlier try marked and could not delete.
WITH before AS (
    SELECT upload_id, state
    FROM storage.object
    WHERE
        tenant_id = :tenant_id AND upload_id = any(:upload_ids::uuid[])
        AND state IN ('open', 'sealed', 'garbage')
    ORDER BY upload_id
    FOR UPDATE
)
UPDATE storage.object AS o
SET state = 'garbage', discarded_at = coalesce(o.discarded_at, :now)
FROM before
WHERE o.tenant_id = :tenant_id AND o.upload_id = before.upload_id
RETURNING
    o.upload_id, o.key, o.sealed_key, before.state, o.size, o.hash, o.part_size, o.part_count,
    o.multipart_id;

-- forget_objects --
UPDATE storage.object SET state = 'gone'
WHERE tenant_id = :tenant_id AND upload_id = any(:upload_ids::uuid[]) AND state = 'garbage';
