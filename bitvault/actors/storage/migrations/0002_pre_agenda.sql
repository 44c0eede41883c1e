-- The ledger is its own agenda (ADR-0013): look_at says when a row has to be looked at again, null
-- for sealed objects that somebody names. The collector looks across tenants, the most overdue
-- first, so its indexes begin with a time; both hold only what is still to be done.
ALTER TABLE storage.object DROP CONSTRAINT object_state_check;
ALTER TABLE storage.object ADD CONSTRAINT object_state_check
    CHECK (state IN ('open', 'scratch', 'sealed', 'garbage', 'gone'));

-- What is there already is looked at soon.
ALTER TABLE storage.object ADD COLUMN look_at timestamptz DEFAULT now();
ALTER TABLE storage.object ALTER COLUMN look_at DROP DEFAULT;
ALTER TABLE storage.object ADD CONSTRAINT object_agenda
    CHECK (look_at IS NOT NULL OR state = 'sealed');

CREATE INDEX object_doubtful ON storage.object (look_at)
    WHERE state IN ('open', 'sealed') AND look_at IS NOT NULL;
CREATE INDEX object_leaving ON storage.object (look_at)
    WHERE state IN ('scratch', 'garbage', 'gone');
CREATE INDEX object_sealed_key ON storage.object (sealed_key) WHERE sealed_key IS NOT NULL;
