-- What says whose account, among those that a directory made, somebody is.
ALTER TABLE sso.provider ADD COLUMN external_id_claim text;
