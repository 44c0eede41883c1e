-- Users and groups that were deleted lately, whose grants are being forgotten. A row stays for an hour:
-- what was being granted at that moment comes to light meanwhile.
CREATE TABLE sharing.departed (
    tenant_id  uuid        NOT NULL,
    grantee_id uuid        NOT NULL,
    gone_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, grantee_id)
);
CREATE INDEX departed_at ON sharing.departed (gone_at);
