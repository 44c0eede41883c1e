-- Whose a space's own quota is: null is an admin's, or of nobody where it follows the tenant's; else
-- the id of the identity provider that gave it, which alone changes it or takes it away again.
ALTER TABLE files.usage
    ADD COLUMN source text,
    ADD CONSTRAINT usage_source CHECK (source IS NULL OR NOT follows);

-- What a provider that is removed has given.
CREATE INDEX usage_given ON files.usage (tenant_id, source, holder_id) WHERE source IS NOT NULL;
