-- The index of the embedded object store (ADR-0012). An object exists when its row is committed;
-- bytes in files are durable before that, and a file without a row is garbage.

CREATE TABLE IF NOT EXISTS run (
    number INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS bucket (
    name       TEXT PRIMARY KEY,
    created_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- Keys are BLOBs: memcmp order is S3's order, and no byte of a key means anything to SQLite.
CREATE TABLE IF NOT EXISTS object (
    bucket       TEXT    NOT NULL,
    key          BLOB    NOT NULL,
    content      INTEGER NOT NULL,
    size         INTEGER NOT NULL,
    etag         TEXT    NOT NULL,
    checksums    TEXT    NOT NULL,
    headers      TEXT    NOT NULL,
    modified_ms  INTEGER NOT NULL,
    PRIMARY KEY (bucket, key)
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS object_content ON object (content);

-- A content is an ordered list of blobs; a copy shares it, a completed upload lists its parts.
CREATE TABLE IF NOT EXISTS segment (
    content INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    blob    INTEGER NOT NULL,
    size    INTEGER NOT NULL,
    PRIMARY KEY (content, ordinal)
) WITHOUT ROWID;

-- Small blobs live here, large ones in files of the same number.
CREATE TABLE IF NOT EXISTS inline_blob (
    blob  INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
);

CREATE INDEX IF NOT EXISTS segment_blob ON segment (blob);

CREATE TABLE IF NOT EXISTS upload (
    id         TEXT PRIMARY KEY,
    bucket     TEXT    NOT NULL,
    key        BLOB    NOT NULL,
    headers    TEXT    NOT NULL,
    started_ms INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS upload_key ON upload (bucket, key, id);

CREATE TABLE IF NOT EXISTS part (
    upload      TEXT    NOT NULL,
    number      INTEGER NOT NULL,
    blob        INTEGER NOT NULL,
    size        INTEGER NOT NULL,
    etag        TEXT    NOT NULL,
    checksums   TEXT    NOT NULL,
    modified_ms INTEGER NOT NULL,
    PRIMARY KEY (upload, number)
) WITHOUT ROWID;

-- The newest completed uploads, so that a repeated completion is answered as the first one was.
CREATE TABLE IF NOT EXISTS completed_upload (
    ordinal   INTEGER PRIMARY KEY,
    id        TEXT NOT NULL UNIQUE,
    bucket    TEXT NOT NULL,
    key       BLOB NOT NULL,
    claim     TEXT NOT NULL,
    etag      TEXT NOT NULL,
    checksums TEXT NOT NULL
);

-- Files to unlink once nobody reads their content any more.
CREATE TABLE IF NOT EXISTS garbage (
    blob    INTEGER PRIMARY KEY,
    content INTEGER NOT NULL
);
