-- What a credential is good for. Tokens from before were good for all but what only a session is for.
ALTER TABLE identity.credential ADD COLUMN scope text NOT NULL DEFAULT 'admin';

-- The owner is under the policies too, and would have to go tenant by tenant.
ALTER TABLE identity.credential NO FORCE ROW LEVEL SECURITY;
UPDATE identity.credential SET scope = 'account' WHERE kind = 'session';
ALTER TABLE identity.credential FORCE ROW LEVEL SECURITY;

ALTER TABLE identity.credential ALTER COLUMN scope DROP DEFAULT;
ALTER TABLE identity.credential ADD CHECK (scope IN ('read', 'write', 'admin', 'account'));
ALTER TABLE identity.credential ADD CHECK ((scope = 'account') = (kind = 'session'));
