-- From which wider network a login was begun: when too many wait, the network with most of them gives
-- way. Only what waits for an answer counts.
ALTER TABLE identity.device ADD COLUMN site text NOT NULL DEFAULT '';
ALTER TABLE identity.device ALTER COLUMN site DROP DEFAULT;

CREATE INDEX device_waiting ON identity.device (tenant_id, expires_at, site) WHERE state = 'waiting';
