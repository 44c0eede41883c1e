-- Whether a link's password was hashed in NFC. Those of before were hashed as they came, and are
-- compared so until they are set again.
ALTER TABLE sharing.link ADD COLUMN password_is_nfc boolean NOT NULL DEFAULT FALSE;
