-- Uploads by those who may add and see nothing (ADR-0026).

-- What somebody who came with a file request says of themselves, with each upload: a name, and an
-- id that their browser made up, so that nobody else's uploads go where theirs go.
ALTER TABLE files.upload ADD COLUMN visit uuid, ADD COLUMN sender text;
ALTER TABLE files.upload ADD CHECK ((visit IS NULL) = (sender IS NULL));

-- How many uploads were begun with a file request, without those that came to nothing.
CREATE TABLE files.drop (
    tenant_id uuid   NOT NULL,
    link_id   uuid   NOT NULL,
    taken     bigint NOT NULL,
    PRIMARY KEY (tenant_id, link_id)
);

-- The folder that takes what one visit to a file request brings; made with the first file.
CREATE TABLE files.visit (
    tenant_id uuid NOT NULL,
    link_id   uuid NOT NULL,
    visit     uuid NOT NULL,
    folder_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, link_id, visit)
);
