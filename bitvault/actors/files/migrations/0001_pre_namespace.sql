-- The namespace: spaces, nodes, immutable versions, blobs, uploads, trash (ADR-0009).
-- tenant_id comes first in every key and index; no key crosses a schema.

CREATE SCHEMA IF NOT EXISTS files;

CREATE TABLE files.space (
    tenant_id  uuid        NOT NULL,
    space_id   uuid        NOT NULL,
    kind       text        NOT NULL CHECK (kind IN ('personal', 'team')),
    owner_id   uuid,
    name       text        NOT NULL,
    name_key   text COLLATE "C" NOT NULL,
    root_id    uuid        NOT NULL,
    revision   bigint      NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, space_id),
    CHECK ((kind = 'personal') = (owner_id IS NOT NULL))
);
CREATE UNIQUE INDEX space_owner ON files.space (tenant_id, owner_id) WHERE kind = 'personal';
CREATE UNIQUE INDEX space_name ON files.space (tenant_id, name_key) WHERE kind = 'team';

CREATE TABLE files.member (
    tenant_id uuid NOT NULL,
    space_id  uuid NOT NULL,
    user_id   uuid NOT NULL,
    role      text NOT NULL CHECK (role IN ('viewer', 'editor', 'manager')),
    PRIMARY KEY (tenant_id, space_id, user_id),
    FOREIGN KEY (tenant_id, space_id) REFERENCES files.space
);
CREATE INDEX member_user ON files.member (tenant_id, user_id, space_id);

-- One row for each space, and one for the tenant whose holder is the tenant itself.
CREATE TABLE files.usage (
    tenant_id uuid   NOT NULL,
    holder_id uuid   NOT NULL,
    used      bigint NOT NULL DEFAULT 0 CHECK (used >= 0),
    reserved  bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    quota     bigint CHECK (quota >= 0),
    PRIMARY KEY (tenant_id, holder_id)
);

-- A node knows its parent only: its space and path are found by walking up, so that a move is
-- one row. Only a root carries a space_id. The current version is repeated here for lists.
CREATE TABLE files.node (
    tenant_id           uuid        NOT NULL,
    node_id             uuid        NOT NULL,
    parent_id           uuid,
    space_id            uuid,
    kind                text        NOT NULL CHECK (kind IN ('file', 'folder')),
    name                text        NOT NULL,
    name_key            text COLLATE "C" NOT NULL,
    revision            bigint      NOT NULL DEFAULT 1,
    version             integer,
    size                bigint,
    hash                text,
    content_type        text,
    content_modified_at timestamptz,
    entry_id            uuid,
    created_at          timestamptz NOT NULL,
    modified_at         timestamptz NOT NULL,
    modified_by         uuid        NOT NULL,
    PRIMARY KEY (tenant_id, node_id),
    CHECK ((parent_id IS NULL) = (space_id IS NOT NULL)),
    CHECK ((kind = 'file') = (version IS NOT NULL)),
    CHECK (parent_id <> node_id)
);
CREATE UNIQUE INDEX node_child ON files.node (tenant_id, parent_id, name_key)
    WHERE entry_id IS NULL AND parent_id IS NOT NULL;
CREATE INDEX node_parent ON files.node (tenant_id, parent_id);
CREATE INDEX node_hash ON files.node (tenant_id, hash) WHERE kind = 'file';

CREATE TABLE files.version (
    tenant_id           uuid        NOT NULL,
    node_id             uuid        NOT NULL,
    version             integer     NOT NULL CHECK (version > 0),
    size                bigint      NOT NULL CHECK (size >= 0),
    hash                text        NOT NULL,
    content_type        text        NOT NULL,
    content_modified_at timestamptz,
    created_at          timestamptz NOT NULL,
    created_by          uuid        NOT NULL,
    PRIMARY KEY (tenant_id, node_id, version)
);
CREATE INDEX version_hash ON files.version (tenant_id, hash);

CREATE TABLE files.blob (
    tenant_id    uuid   NOT NULL,
    hash         text   NOT NULL,
    object_key   text   NOT NULL,
    size         bigint NOT NULL CHECK (size >= 0),
    refs         bigint NOT NULL CHECK (refs >= 0),
    state        text   NOT NULL CHECK (state IN ('live', 'condemned')),
    zero_since   timestamptz,
    PRIMARY KEY (tenant_id, hash),
    CHECK (state = 'live' OR refs = 0)
);
CREATE INDEX blob_unused ON files.blob (tenant_id, zero_since) WHERE refs = 0;

-- anchor_id is the deepest folder that existed at init, path what has to be made below it.
CREATE TABLE files.upload (
    tenant_id           uuid        NOT NULL,
    upload_id           uuid        NOT NULL,
    user_id             uuid        NOT NULL,
    space_id            uuid        NOT NULL,
    anchor_id           uuid        NOT NULL,
    path                text        NOT NULL,
    shown_path          text        NOT NULL,
    size                bigint      NOT NULL CHECK (size >= 0),
    hash                text,
    if_exists           text        NOT NULL,
    base_version        integer,
    content_type        text        NOT NULL,
    content_modified_at timestamptz,
    state               text        NOT NULL
                        CHECK (state IN ('open', 'committed', 'aborted', 'expired')),
    result              jsonb,
    created_at          timestamptz NOT NULL,
    expires_at          timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, upload_id)
);
CREATE INDEX upload_open ON files.upload (tenant_id, user_id, upload_id) WHERE state = 'open';
CREATE INDEX upload_expiry ON files.upload (tenant_id, expires_at) WHERE state = 'open';

CREATE TABLE files.trash_entry (
    tenant_id     uuid        NOT NULL,
    entry_id      uuid        NOT NULL,
    space_id      uuid        NOT NULL,
    node_id       uuid        NOT NULL,
    parent_id     uuid        NOT NULL,
    original_path text        NOT NULL,
    trashed_at    timestamptz NOT NULL,
    trashed_by    uuid        NOT NULL,
    PRIMARY KEY (tenant_id, entry_id)
);
CREATE INDEX trash_space ON files.trash_entry (tenant_id, space_id, entry_id);
CREATE INDEX trash_node ON files.trash_entry (tenant_id, node_id);

CREATE TABLE files.idempotency (
    tenant_id   uuid        NOT NULL,
    user_id     uuid        NOT NULL,
    key         text        NOT NULL,
    fingerprint bytea       NOT NULL,
    outcomes    jsonb       NOT NULL DEFAULT '[]',
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, user_id, key)
);
