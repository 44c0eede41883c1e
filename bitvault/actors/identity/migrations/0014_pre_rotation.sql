-- Sessions whose secret rotates. What refreshes one is in two parts: the family, which stays, and a
-- secret, good once. Of both, and of the access secret before, only the SHA-256 is kept. They are in
-- the session's own row: whatever ends the session ends them, and one lock orders all of it.
ALTER TABLE identity.credential
    ADD COLUMN secret_expires_at timestamptz,
    ADD COLUMN previous_secret_hash bytea,
    ADD COLUMN previous_until timestamptz,
    ADD COLUMN family_hash bytea,
    ADD COLUMN refresh_digest bytea,
    ADD COLUMN previous_refresh_digest bytea,
    ADD COLUMN salt bytea,
    ADD COLUMN refreshed_at timestamptz,
    ADD CHECK (family_hash IS NULL OR kind = 'session'),
    ADD CHECK ((family_hash IS NULL) = (refresh_digest IS NULL)),
    ADD CHECK ((family_hash IS NULL) = (secret_expires_at IS NULL)),
    ADD CHECK ((previous_secret_hash IS NULL) = (previous_until IS NULL)),
    ADD CHECK ((previous_refresh_digest IS NULL) = (salt IS NULL)),
    ADD CHECK ((previous_refresh_digest IS NULL) = (refreshed_at IS NULL));

CREATE UNIQUE INDEX credential_family ON identity.credential (family_hash)
    WHERE family_hash IS NOT NULL;
CREATE UNIQUE INDEX credential_previous ON identity.credential (previous_secret_hash)
    WHERE previous_secret_hash IS NOT NULL;
