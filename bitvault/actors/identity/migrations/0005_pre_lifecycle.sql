-- Users who may not enter, or are gone, and users who are programs. A deleted user's row stays, so
-- that what they did keeps a name; its login is free again.
ALTER TABLE identity.account
    ADD COLUMN kind text NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'service')),
    ADD COLUMN disabled_at timestamptz,
    ADD COLUMN deleted_at timestamptz,
    ALTER COLUMN password_hash DROP NOT NULL,
    ADD CHECK (kind = 'person' OR password_hash IS NULL),
    DROP CONSTRAINT account_tenant_id_login_key_key;

CREATE UNIQUE INDEX account_login ON identity.account (tenant_id, login_key)
    WHERE deleted_at IS NULL;

-- Whether there is another admin who can log in.
CREATE INDEX account_admin ON identity.account (tenant_id, user_id)
    WHERE is_admin AND kind = 'person' AND disabled_at IS NULL AND deleted_at IS NULL;
