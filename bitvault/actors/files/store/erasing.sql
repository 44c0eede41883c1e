-- drop_versions --
-- Whichever: all of the tenant's are to go. By ctid, so that no more than these are read.
DELETE FROM files.version
 WHERE ctid = ANY(ARRAY(SELECT ctid FROM files.version WHERE tenant_id = :tenant LIMIT :limit))
RETURNING hash;

-- has_blobs --
-- Content that the collector has not handed over to storage.
SELECT EXISTS (SELECT FROM files.blob WHERE tenant_id = :tenant)
    OR EXISTS (SELECT FROM files.condemned WHERE tenant_id = :tenant) AS it_has;
