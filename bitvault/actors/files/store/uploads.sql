-- insert_uploads --
-- One row per reservation.
INSERT INTO files.upload (tenant_id, upload_id, user_id, space_id, anchor_id, path, shown_path,
                          size, hash, if_exists, base_version, content_type,
                          content_modified_at, visit, sender, state, created_at, expires_at)
SELECT :tenant, u.upload_id, :user_id, u.space_id, u.anchor_id, u.path, u.shown_path, u.size,
       u.hash, u.if_exists, u.base_version, u.content_type, u.modified, u.visit,
       u.sender, 'open', :now, :expires_at
  FROM unnest(:upload_ids::uuid[], :space_ids::uuid[], :anchor_ids::uuid[], :paths::text[],
              :shown_paths::text[], :sizes::bigint[], :hashes::text[], :if_exists::text[],
              :base_versions::int[], :types::text[], :modified::timestamptz[],
              :visits::uuid[], :senders::text[])
    AS u (upload_id, space_id, anchor_id, path, shown_path, size, hash, if_exists,
          base_version, content_type, modified, visit, sender);

-- uploads --
-- The caller's uploads; somebody else's do not exist.
SELECT * FROM files.upload
 WHERE tenant_id = :tenant AND user_id = :user_id AND upload_id = ANY(:ids::uuid[]);

-- lock_uploads --
-- In id order; a concurrent commit of the same upload is waited for, then seen.
SELECT * FROM files.upload
 WHERE tenant_id = :tenant AND user_id = :user_id AND upload_id = ANY(:ids::uuid[])
 ORDER BY upload_id FOR UPDATE;

-- finish_uploads --
-- The answer is kept, so that a repeated commit gets the same one.
UPDATE files.upload u SET state = 'committed', result = r.result
  FROM unnest(:ids::uuid[], :results::jsonb[]) AS r (upload_id, result)
 WHERE u.tenant_id = :tenant AND u.upload_id = r.upload_id AND u.upload_id = ANY(:ids::uuid[])
   AND u.state = 'open';

-- close_uploads --
-- Abort or expire what is still open; answers what has to be given back.
UPDATE files.upload SET state = :state
 WHERE tenant_id = :tenant AND upload_id = ANY(:ids::uuid[]) AND state = 'open'
RETURNING upload_id, space_id, size, user_id, visit;

-- renew_upload --
-- Its caller goes on with it.
UPDATE files.upload SET expires_at = :expires_at
 WHERE tenant_id = :tenant AND user_id = :user_id AND upload_id = :upload_id AND state = 'open'
   AND expires_at < :expires_at
RETURNING *;

-- withdraw_uploads --
-- Storage did not open them: as if they had never been asked for.
DELETE FROM files.upload
 WHERE tenant_id = :tenant AND upload_id = ANY(:ids::uuid[]) AND state = 'open'
RETURNING space_id, size, user_id, visit;

-- open_uploads --
-- Newest first, keyset-paged.
SELECT * FROM files.upload
 WHERE tenant_id = :tenant AND user_id = :user_id AND state = 'open' AND upload_id < :before
 ORDER BY upload_id DESC LIMIT :limit;

-- claim_key --
-- First use of an Idempotency-Key (or first after it expired); a concurrent use is waited for.
INSERT INTO files.idempotency AS i (tenant_id, user_id, key, fingerprint, expires_at)
VALUES (:tenant, :user_id, :key, :fingerprint, :expires_at)
ON CONFLICT (tenant_id, user_id, key) DO UPDATE
   SET fingerprint = excluded.fingerprint, outcomes = '[]', expires_at = excluded.expires_at
 WHERE i.expires_at <= :now
RETURNING key;

-- key_row --
-- What the key's first use was, and how it ended.
SELECT fingerprint, outcomes FROM files.idempotency
 WHERE tenant_id = :tenant AND user_id = :user_id AND key = :key;

-- keep_outcomes --
-- The outcomes that a repeat will get.
UPDATE files.idempotency SET outcomes = :outcomes
 WHERE tenant_id = :tenant AND user_id = :user_id AND key = :key;
