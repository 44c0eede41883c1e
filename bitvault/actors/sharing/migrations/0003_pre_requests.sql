-- The role uploader, and file requests: links with it (ADR-0026).

ALTER TABLE sharing.granted DROP CONSTRAINT granted_role_check;
ALTER TABLE sharing.granted ADD CONSTRAINT granted_role_check
    CHECK (role IN ('uploader', 'viewer', 'editor', 'manager'));

-- Whoever may change may add, which has a bit of its own now. The wall is down for this one
-- statement only: it is about every tenant.
ALTER TABLE sharing.granted NO FORCE ROW LEVEL SECURITY;
UPDATE sharing.granted SET rights = rights | 8 WHERE (rights & 2) <> 0;
ALTER TABLE sharing.granted FORCE ROW LEVEL SECURITY;

-- files and bytes count what came in by a file request; set_at is when the terms were set, which a
-- tenant's policy counts from.
ALTER TABLE sharing.link DROP CONSTRAINT link_role_check;
ALTER TABLE sharing.link ADD CONSTRAINT link_role_check
    CHECK (role IN ('uploader', 'viewer', 'editor'));
ALTER TABLE sharing.link
    ADD COLUMN message    text   NOT NULL DEFAULT '',
    ADD COLUMN max_files  bigint CHECK (max_files > 0),
    ADD COLUMN max_size   bigint CHECK (max_size > 0),
    ADD COLUMN extensions text[] NOT NULL DEFAULT '{}',
    ADD COLUMN files      bigint NOT NULL DEFAULT 0,
    ADD COLUMN bytes      bigint NOT NULL DEFAULT 0,
    ADD COLUMN set_at     timestamptz;
ALTER TABLE sharing.link NO FORCE ROW LEVEL SECURITY;
UPDATE sharing.link SET set_at = created_at;
ALTER TABLE sharing.link FORCE ROW LEVEL SECURITY;
ALTER TABLE sharing.link ALTER COLUMN set_at SET NOT NULL;
