-- What a client says of a file's time has to be one that every part can hold (kernel/moments.py).
-- Some rows are from before that was asked: ±infinity, and the ends of the calendar. Such a time is
-- forgotten, as if it had not been said. The policies hold for the owner too.
ALTER TABLE files.node NO FORCE ROW LEVEL SECURITY;
ALTER TABLE files.version NO FORCE ROW LEVEL SECURITY;
ALTER TABLE files.upload NO FORCE ROW LEVEL SECURITY;
ALTER TABLE files.idempotency NO FORCE ROW LEVEL SECURITY;
UPDATE files.node SET content_modified_at = NULL
 WHERE content_modified_at NOT BETWEEN '0001-01-02T00:00:00Z' AND '9999-12-30T23:59:59.999999Z';
UPDATE files.version SET content_modified_at = NULL
 WHERE content_modified_at NOT BETWEEN '0001-01-02T00:00:00Z' AND '9999-12-30T23:59:59.999999Z';
UPDATE files.upload SET content_modified_at = NULL
 WHERE content_modified_at NOT BETWEEN '0001-01-02T00:00:00Z' AND '9999-12-30T23:59:59.999999Z';

-- What a repeated request is answered holds it as text. No name can look like this: quotes in a
-- name are escaped.
UPDATE files.upload
   SET result = regexp_replace(result::text, '("content_modified_at": )"(0001-01-01|9999-12-31)[^"]*"',
                               '\1null', 'g')::jsonb
 WHERE result::text ~ '"content_modified_at": "(0001-01-01|9999-12-31)';
UPDATE files.idempotency
   SET outcomes = regexp_replace(outcomes::text, '("content_modified_at": )"(0001-01-01|9999-12-31)[^"]*"',
                                 '\1null', 'g')::jsonb
 WHERE outcomes::text ~ '"content_modified_at": "(0001-01-01|9999-12-31)';
ALTER TABLE files.node FORCE ROW LEVEL SECURITY;
ALTER TABLE files.version FORCE ROW LEVEL SECURITY;
ALTER TABLE files.upload FORCE ROW LEVEL SECURITY;
ALTER TABLE files.idempotency FORCE ROW LEVEL SECURITY;
