-- idle_blobs, across tenants --
-- Content that nothing has referred to for long enough, the longest first.
SELECT tenant_id, hash FROM files.blob
 WHERE state = 'live' AND zero_since <= :before
 ORDER BY zero_since LIMIT :limit;

-- condemn --
-- Looked at again under the row's lock: what a commit took meanwhile is not idle any more. The key
-- is written down, because the blob may get another one before the object is deleted. The hashes
-- are named once more for tables without statistics, where a join would read all of a tenant.
WITH idle AS (
    SELECT hash FROM files.blob
     WHERE tenant_id = :tenant AND hash = ANY(:hashes::text[])
       AND state = 'live' AND zero_since <= :before
     ORDER BY hash FOR UPDATE SKIP LOCKED
), condemned AS (
    UPDATE files.blob b SET state = 'condemned' FROM idle
     WHERE b.tenant_id = :tenant AND b.hash = idle.hash AND b.hash = ANY(:hashes::text[])
    RETURNING b.hash, b.object_key
)
INSERT INTO files.condemned (tenant_id, object_key, hash, condemned_at)
SELECT :tenant, object_key, hash, :now FROM condemned;

-- condemned_keys, across tenants --
-- Keys to be discarded, from this collection or from one that did not finish.
SELECT tenant_id, object_key, hash FROM files.condemned ORDER BY condemned_at LIMIT :limit;

-- drop_condemned --
-- Storage has them now. A blob that was taken over has another key, and stays.
WITH done AS (
    DELETE FROM files.condemned
     WHERE tenant_id = :tenant AND object_key = ANY(:object_keys::text[])
    RETURNING hash, object_key
)
DELETE FROM files.blob b USING done
 WHERE b.tenant_id = :tenant AND b.hash = done.hash AND b.hash = ANY(:hashes::text[])
   AND b.object_key = done.object_key AND b.state = 'condemned';

-- open_among --
-- Which of these uploads may still be committed. No upload ever opens again.
-- The state is looked at last, so that no index of all open ones is read.
SELECT u.upload_id
  FROM unnest(:upload_ids::uuid[]) AS w (upload_id)
 CROSS JOIN LATERAL (
    SELECT o.upload_id, o.state FROM files.upload o
     WHERE o.tenant_id = :tenant AND o.upload_id = w.upload_id
     LIMIT 1) u
 WHERE u.state = 'open';

-- named_among --
-- Which of these keys a blob names.
SELECT object_key FROM files.blob
 WHERE tenant_id = :tenant AND hash = ANY(:hashes::text[])
   AND object_key = ANY(:object_keys::text[]);

-- overdue, across tenants --
-- Open uploads past their lifetime, the longest first.
SELECT tenant_id, upload_id FROM files.upload
 WHERE state = 'open' AND expires_at <= :now ORDER BY expires_at LIMIT :limit;

-- hold_overdue --
-- One that is being committed is left to its commit.
SELECT upload_id FROM files.upload
 WHERE tenant_id = :tenant AND upload_id = ANY(:upload_ids::uuid[])
   AND state = 'open' AND expires_at <= :now
 ORDER BY upload_id FOR UPDATE SKIP LOCKED;

-- hold_open_of --
-- A guest's open uploads, but for those that are being committed.
SELECT upload_id FROM files.upload
 WHERE tenant_id = :tenant AND user_id = :user_id AND state = 'open'
 ORDER BY upload_id LIMIT :limit FOR UPDATE SKIP LOCKED;

-- ended_uploads, across tenants --
-- Uploads whose answer has been kept for repeats long enough.
SELECT tenant_id, upload_id FROM files.upload
 WHERE state <> 'open' AND expires_at <= :before ORDER BY expires_at LIMIT :limit;

-- drop_uploads --
DELETE FROM files.upload
 WHERE tenant_id = :tenant AND upload_id = ANY(:upload_ids::uuid[]) AND state <> 'open';

-- expired_keys, across tenants --
-- Idempotency-Keys whose time is over.
SELECT tenant_id, user_id, key FROM files.idempotency
 WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit;

-- drop_keys --
-- Unless the key was used again meanwhile. By ctid, so that no more than these are read.
DELETE FROM files.idempotency
 WHERE ctid = ANY(ARRAY(
    SELECT i.place
      FROM unnest(:user_ids::uuid[], :keys::text[]) AS w (user_id, key)
     CROSS JOIN LATERAL (
        SELECT a.ctid AS place FROM files.idempotency a
         WHERE a.tenant_id = :tenant AND a.user_id = w.user_id AND a.key = w.key LIMIT 1) i))
   AND expires_at <= :now;

-- oldest, across tenants --
-- Since when the oldest unused content, and the oldest purged node, have waited.
SELECT (SELECT min(zero_since) FROM files.blob
         WHERE zero_since IS NOT NULL AND state = 'live') AS blob,
       (SELECT min(condemned_at) FROM files.condemned) AS condemned,
       (SELECT min(purged_at) FROM files.purge) AS purge;

-- backlog, across tenants --
-- How much of each kind is due, up to 10,000, and since when.
SELECT 'expire-uploads' AS kind, count(*) AS waiting, min(since) AS since FROM (
    SELECT expires_at AS since FROM files.upload
     WHERE state = 'open' AND expires_at <= :now ORDER BY expires_at LIMIT 10000) w
UNION ALL
SELECT 'purge', count(*), min(since) FROM (
    SELECT purged_at AS since FROM files.purge ORDER BY purged_at LIMIT 10000) w
UNION ALL
SELECT 'collect', count(*), min(since) FROM (
    (SELECT zero_since + (:now::timestamptz - :unused::timestamptz) AS since FROM files.blob
      WHERE state = 'live' AND zero_since <= :unused ORDER BY zero_since LIMIT 5000)
    UNION ALL
    (SELECT condemned_at FROM files.condemned ORDER BY condemned_at LIMIT 5000)) w
UNION ALL
SELECT 'forget-answers', count(*), min(since) FROM (
    (SELECT expires_at + (:now::timestamptz - :finished::timestamptz) AS since FROM files.upload
      WHERE state <> 'open' AND expires_at <= :finished ORDER BY expires_at LIMIT 5000)
    UNION ALL
    (SELECT expires_at FROM files.idempotency
      WHERE expires_at <= :now ORDER BY expires_at LIMIT 5000)) w;
