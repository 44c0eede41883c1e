-- Every object key BitVault ever opened, so that nothing in the bucket is without an owner.
-- Keys are random and never used twice: a late delete can't hit somebody else's bytes.
CREATE SCHEMA storage;

CREATE TABLE storage.object (
    tenant_id uuid NOT NULL,
    upload_id uuid NOT NULL,
    key text NOT NULL,
    -- Where the bytes were frozen, when the store can't protect the key that was presigned.
    sealed_key text,
    state text NOT NULL CHECK (state IN ('open', 'sealed', 'garbage', 'gone')),
    size bigint NOT NULL CHECK (size >= 0),
    hash text,
    part_size bigint NOT NULL,
    part_count integer NOT NULL CHECK (part_count >= 0),
    multipart_id text,
    created_at timestamptz NOT NULL,
    sealed_at timestamptz,
    discarded_at timestamptz,
    PRIMARY KEY (tenant_id, upload_id),
    UNIQUE (key),
    CHECK (state <> 'sealed' OR (hash IS NOT NULL AND sealed_at IS NOT NULL))
);

-- What the collector still has to delete.
CREATE INDEX object_garbage ON storage.object (discarded_at) WHERE state = 'garbage';
