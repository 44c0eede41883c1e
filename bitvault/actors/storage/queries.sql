-- open_objects --
-- In id order, so that two messages with the same ids can't deadlock.
INSERT INTO storage.object (
    tenant_id, upload_id, key, state, size, hash, part_size, part_count, created_at, look_at
)
SELECT
    :tenant_id, d.upload_id, d.key, 'open', d.size, d.hash, d.part_size, d.part_count, :now,
    :look_at
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
-- A copy's target, until the seal that takes it over.
INSERT INTO storage.object (
    tenant_id, upload_id, key, state, size, part_size, part_count, created_at, look_at
)
VALUES (:tenant_id, :upload_id, :key, 'scratch', :size, 0, 0, :now, :look_at);

-- seal_objects --
UPDATE storage.object AS o
SET state = 'sealed', hash = d.hash, sealed_key = d.sealed_key, sealed_at = :now,
    look_at = :look_at
FROM unnest(:upload_ids::uuid[], :hashes::text[], :sealed_keys::text[])
    AS d (upload_id, hash, sealed_key)
WHERE o.tenant_id = :tenant_id AND o.upload_id = d.upload_id AND o.state = 'open'
RETURNING
    o.upload_id, o.key, o.sealed_key, o.state, o.size, o.hash, o.part_size, o.part_count,
    o.multipart_id;

-- take_scratch --
-- Fewer rows than keys: a copy waited so long for its seal that it was thrown away.
DELETE FROM storage.object
WHERE tenant_id = :tenant_id AND key = any(:keys::text[]) AND state = 'scratch';

-- discard_objects --
-- From the given states only. With 'garbage' among them, repeats pick up what an earlier try marked
-- and could not delete.
WITH before AS (
    SELECT upload_id, state
    FROM storage.object
    WHERE
        tenant_id = :tenant_id AND upload_id = any(:upload_ids::uuid[])
        AND state = any(:states::text[])
    ORDER BY upload_id
    FOR UPDATE
)
UPDATE storage.object AS o
SET state = 'garbage', discarded_at = coalesce(o.discarded_at, :now), look_at = :look_at
FROM before
WHERE o.tenant_id = :tenant_id AND o.upload_id = before.upload_id
RETURNING
    o.upload_id, o.key, o.sealed_key, before.state, o.size, o.hash, o.part_size, o.part_count,
    o.multipart_id;

-- forget_objects --
-- Deleted once; a request that was signed before may still write, so one more look is due.
UPDATE storage.object SET state = 'gone', look_at = :look_at
WHERE tenant_id = :tenant_id AND upload_id = any(:upload_ids::uuid[]) AND state = 'garbage';

-- ids_of_keys --
-- Whose sealed bytes are under these keys.
SELECT upload_id FROM storage.object
WHERE tenant_id = :tenant_id AND sealed_key = any(:keys::text[])
UNION ALL
SELECT upload_id FROM storage.object
WHERE tenant_id = :tenant_id AND key = any(:keys::text[]) AND sealed_key IS NULL;

-- due_objects, across tenants --
-- Objects of which it is time to ask whether anybody needs them.
SELECT tenant_id, upload_id, state, coalesce(sealed_key, key) AS key, hash
FROM storage.object
WHERE state IN ('open', 'sealed') AND look_at <= :now
ORDER BY look_at LIMIT :limit;

-- keep_objects --
-- Somebody names them. From now on only whoever does can let go of them.
UPDATE storage.object SET look_at = NULL
WHERE tenant_id = :tenant_id AND upload_id = any(:upload_ids::uuid[]) AND state = 'sealed';

-- postpone_objects --
UPDATE storage.object SET look_at = :look_at
WHERE
    tenant_id = :tenant_id AND upload_id = any(:upload_ids::uuid[])
    AND state IN ('open', 'sealed');

-- leaving_objects, across tenants --
-- What has to be deleted now, or deleted once more.
SELECT tenant_id, upload_id FROM storage.object
WHERE state IN ('scratch', 'garbage', 'gone') AND look_at <= :now
ORDER BY look_at LIMIT :limit;

-- take_leaving --
-- A scratch becomes garbage before it is deleted, so that no seal takes it over any more. Whatever
-- comes next, nothing of this is looked at again too soon.
UPDATE storage.object
SET
    state = CASE state WHEN 'scratch' THEN 'garbage' ELSE state END,
    discarded_at = coalesce(discarded_at, :now), look_at = :look_at
WHERE
    tenant_id = :tenant_id AND upload_id = any(:upload_ids::uuid[])
    AND state IN ('scratch', 'garbage', 'gone') AND look_at <= :now
RETURNING upload_id, key, sealed_key, state, size, hash, part_size, part_count, multipart_id;

-- drop_objects --
-- Deleted twice, the second time after the last signed request had expired.
DELETE FROM storage.object
WHERE tenant_id = :tenant_id AND upload_id = any(:upload_ids::uuid[]) AND state = 'gone';

-- oldest_garbage, across tenants --
SELECT min(discarded_at) AS since FROM storage.object WHERE state = 'garbage';

-- backlog, across tenants --
-- How much is due, up to 10,000, and since when.
SELECT 'judge' AS kind, count(*) AS waiting, min(look_at) AS since FROM (
    SELECT look_at FROM storage.object
    WHERE state IN ('open', 'sealed') AND look_at <= :now
    ORDER BY look_at LIMIT 10000
) AS due
UNION ALL
SELECT 'delete-again', count(*), min(look_at) FROM (
    SELECT look_at FROM storage.object
    WHERE state IN ('scratch', 'garbage', 'gone') AND look_at <= :now
    ORDER BY look_at LIMIT 10000
) AS due;

-- hasten --
-- Of a tenant that is leaving: unfinished uploads are looked at now and not when they would expire.
UPDATE storage.object SET look_at = :now
WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM storage.object
    WHERE tenant_id = :tenant_id AND state = 'open' AND look_at > :now
    LIMIT :limit
));

-- has_objects --
SELECT EXISTS (SELECT FROM storage.object WHERE tenant_id = :tenant_id) AS it_has;
