-- What a directory calls a user or a group (SCIM's externalId): its own name for ours, unique where
-- it is said.
ALTER TABLE identity.account ADD COLUMN external_id text;
ALTER TABLE identity.user_group ADD COLUMN external_id text;

CREATE UNIQUE INDEX account_external ON identity.account (tenant_id, external_id)
    WHERE external_id IS NOT NULL AND deleted_at IS NULL;
CREATE UNIQUE INDEX user_group_external ON identity.user_group (tenant_id, external_id)
    WHERE external_id IS NOT NULL;
