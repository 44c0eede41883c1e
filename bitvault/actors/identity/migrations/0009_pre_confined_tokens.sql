-- The file or folder that an API token ends at, by its id: it may move, and the token goes with it.
-- No tenant is administered from there.
ALTER TABLE identity.credential
    ADD COLUMN confined_to uuid,
    ADD CHECK (confined_to IS NULL OR scope IN ('read', 'write'));
