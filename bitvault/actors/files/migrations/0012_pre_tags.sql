-- Kept answers say by a tag what they are, no longer by the name of a class in the code. What is not
-- in this list was never kept, and stays as it is. The policies hold for the owner too.
ALTER TABLE files.upload NO FORCE ROW LEVEL SECURITY;
ALTER TABLE files.idempotency NO FORCE ROW LEVEL SECURITY;
WITH tagged (class, tag) AS (VALUES
    ('EntryNotFound', 'trash_entry_not_found'),
    ('Failed', 'internal'),
    ('Forbidden', 'forbidden'),
    ('IdempotencyConflict', 'idempotency_key_reused'),
    ('Invalid', 'invalid'),
    ('KindMismatch', 'kind_mismatch'),
    ('LastManager', 'last_manager'),
    ('MemberNotFound', 'member_not_found'),
    ('NameTaken', 'name_taken'),
    ('NodeNotFound', 'node_not_found'),
    ('OpenedUpload', 'opened_upload'),
    ('QuotaExceeded', 'quota_exceeded'),
    ('RequestClosed', 'request_closed'),
    ('RequestFull', 'request_full'),
    ('Space', 'space'),
    ('SpaceNotEmpty', 'space_not_empty'),
    ('SpaceNotFound', 'space_not_found'),
    ('SpaceTaken', 'space_taken'),
    ('StaleBase', 'stale_base'),
    ('StaleMember', 'stale_member'),
    ('StaleRevision', 'stale_revision'),
    ('TooManyNodes', 'too_many_nodes'),
    ('TreeRuleBroken', 'tree_rule'),
    ('Unavailable', 'unavailable'),
    ('UploadClosed', 'upload_closed'),
    ('UploadNotFound', 'upload_not_found'),
    ('UploadUnneeded', 'upload_unneeded'),
    ('VersionNotFound', 'version_not_found'),
    ('Written', 'written')
), uploads AS (
UPDATE files.upload u SET result = jsonb_set(u.result, '{kind}', to_jsonb(t.tag))
  FROM tagged t WHERE t.class = u.result ->> 'kind'
)
UPDATE files.idempotency i
   SET outcomes = (
       SELECT jsonb_agg(
                  CASE WHEN t.tag IS NULL THEN o.one
                       ELSE jsonb_set(o.one, '{kind}', to_jsonb(t.tag)) END
                  ORDER BY o.place)
         FROM jsonb_array_elements(i.outcomes) WITH ORDINALITY AS o (one, place)
         LEFT JOIN tagged t ON t.class = o.one ->> 'kind')
 WHERE i.outcomes <> '[]';
ALTER TABLE files.upload FORCE ROW LEVEL SECURITY;
ALTER TABLE files.idempotency FORCE ROW LEVEL SECURITY;
