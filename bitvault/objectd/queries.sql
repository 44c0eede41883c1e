-- Named queries of the index, in the order of index.py. `:name begin` starts a query.

-- :name begin
BEGIN IMMEDIATE;
-- :name begin_read
BEGIN;
-- :name commit
COMMIT;
-- :name rollback
ROLLBACK;
-- :name savepoint
SAVEPOINT job;
-- :name release
RELEASE job;
-- :name rollback_job
ROLLBACK TO job;

-- :name find_run
SELECT number FROM run;
-- :name first_run
INSERT INTO run (number) VALUES (:number);
-- :name next_run
UPDATE run SET number = :number;

-- :name add_bucket
INSERT OR IGNORE INTO bucket (name, created_ms) VALUES (:name, :created_ms);
-- :name list_buckets
SELECT name, created_ms FROM bucket ORDER BY name;

-- :name find_object
SELECT bucket, key, content, size, etag, checksums, headers, modified_ms
FROM object WHERE bucket = :bucket AND key = :key;
-- :name put_object
INSERT OR REPLACE INTO object (bucket, key, content, size, etag, checksums, headers, modified_ms)
VALUES (:bucket, :key, :content, :size, :etag, :checksums, :headers, :modified_ms);
-- :name delete_object
DELETE FROM object WHERE bucket = :bucket AND key = :key;
-- :name list_objects
SELECT bucket, key, content, size, etag, checksums, headers, modified_ms
FROM object WHERE bucket = :bucket AND key >= :start ORDER BY key LIMIT :limit;
-- :name content_in_use
SELECT 1 FROM object WHERE content = :content LIMIT 1;

-- :name add_segment
INSERT INTO segment (content, ordinal, blob, size) VALUES (:content, :ordinal, :blob, :size);
-- :name list_segments
SELECT s.blob, s.size, i.bytes
FROM segment AS s LEFT JOIN inline_blob AS i ON i.blob = s.blob
WHERE s.content = :content ORDER BY s.ordinal;
-- :name condemn_segments
INSERT INTO garbage (blob, content)
SELECT s.blob, s.content FROM segment AS s
WHERE s.content = :content
  AND NOT EXISTS (SELECT 1 FROM inline_blob AS i WHERE i.blob = s.blob);
-- :name delete_segments_inline
DELETE FROM inline_blob WHERE blob IN (SELECT blob FROM segment WHERE content = :content);
-- :name delete_segments
DELETE FROM segment WHERE content = :content;
-- :name add_inline
INSERT INTO inline_blob (blob, bytes) VALUES (:blob, :bytes);

-- :name add_upload
INSERT INTO upload (id, bucket, key, headers, started_ms)
VALUES (:id, :bucket, :key, :headers, :started_ms);
-- :name find_upload
SELECT id, bucket, key, headers, started_ms FROM upload
WHERE id = :id AND bucket = :bucket AND key = :key;
-- :name delete_upload
DELETE FROM upload WHERE id = :id;
-- :name list_uploads
SELECT id, bucket, key, headers, started_ms FROM upload
WHERE bucket = :bucket AND (key, id) > (:key, :id) AND key < :stop
ORDER BY key, id LIMIT :limit;

-- :name add_completed
INSERT INTO completed_upload (id, bucket, key, claim, etag, checksums)
VALUES (:id, :bucket, :key, :claim, :etag, :checksums);
-- :name trim_completed
DELETE FROM completed_upload
WHERE ordinal <= (SELECT max(ordinal) FROM completed_upload) - :keep;
-- :name find_completed
SELECT etag, checksums FROM completed_upload
WHERE id = :id AND bucket = :bucket AND key = :key AND claim = :claim;

-- :name find_part
SELECT number, blob, size, etag, checksums, modified_ms FROM part
WHERE upload = :upload AND number = :number;
-- :name put_part
INSERT OR REPLACE INTO part (upload, number, blob, size, etag, checksums, modified_ms)
VALUES (:upload, :number, :blob, :size, :etag, :checksums, :modified_ms);
-- :name list_parts
SELECT number, blob, size, etag, checksums, modified_ms FROM part
WHERE upload = :upload AND number > :after ORDER BY number LIMIT :limit;
-- :name delete_parts
DELETE FROM part WHERE upload = :upload;
-- :name is_inline
SELECT 1 FROM inline_blob WHERE blob = :blob;
-- :name delete_inline
DELETE FROM inline_blob WHERE blob = :blob;

-- :name add_garbage
INSERT INTO garbage (blob, content) VALUES (:blob, :content);
-- :name any_garbage
SELECT 1 FROM garbage LIMIT 1;
-- :name list_garbage
SELECT blob, content FROM garbage WHERE blob > :after ORDER BY blob LIMIT :limit;
-- :name delete_garbage
DELETE FROM garbage WHERE blob = :blob;
-- :name knows_blob
SELECT EXISTS (SELECT 1 FROM segment WHERE blob = :blob)
    OR EXISTS (SELECT 1 FROM part WHERE blob = :blob);
