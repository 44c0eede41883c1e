-- hold_drop --
-- Uploads with one link begin one after the other, so that their number and size can be limited.
SELECT pg_advisory_xact_lock(hashtextextended(
    'files/drop/' || :tenant::uuid::text || '/' || :link_id::uuid::text, 0));

-- taken --
-- How many were begun. Held, for whoever gives some back holds this row before those of the quota.
SELECT taken FROM files.drop WHERE tenant_id = :tenant AND link_id = :link_id FOR UPDATE;

-- held --
-- What a guest's open uploads reserve.
SELECT count(*) AS open, coalesce(sum(size), 0)::bigint AS bytes
  FROM (SELECT size FROM files.upload
         WHERE tenant_id = :tenant AND user_id = :link_id AND state = 'open' LIMIT :most) AS u;

-- take_slots --
-- Uploads begun.
INSERT INTO files.drop AS d (tenant_id, link_id, taken) VALUES (:tenant, :link_id, :count)
ON CONFLICT (tenant_id, link_id) DO UPDATE SET taken = d.taken + excluded.taken;

-- give_slots_back --
-- Uploads come to nothing; in one order for everybody.
WITH held AS (
    SELECT link_id FROM files.drop
     WHERE tenant_id = :tenant AND link_id = ANY(:link_ids::uuid[])
     ORDER BY link_id FOR UPDATE
)
UPDATE files.drop d SET taken = d.taken - n.taken
  FROM held
  JOIN unnest(:link_ids::uuid[], :counts::bigint[]) AS n (link_id, taken) USING (link_id)
 WHERE d.tenant_id = :tenant AND d.link_id = held.link_id AND d.link_id = ANY(:link_ids::uuid[]);

-- visit_folders --
-- Where visits brought something already.
SELECT visit, folder_id FROM files.visit
 WHERE tenant_id = :tenant AND link_id = :link_id AND visit = ANY(:visits::uuid[]);

-- keep_visit --
-- No row: another transaction made a folder for this visit meanwhile.
INSERT INTO files.visit AS v (tenant_id, link_id, visit, folder_id)
VALUES (:tenant, :link_id, :visit, :folder_id)
ON CONFLICT (tenant_id, link_id, visit) DO UPDATE SET folder_id = excluded.folder_id
 WHERE v.folder_id = :before
RETURNING visit;
