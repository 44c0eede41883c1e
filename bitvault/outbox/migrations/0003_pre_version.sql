-- The version in which an event's fields were written; until now there was one of each kind.
ALTER TABLE outbox.event ADD COLUMN version smallint NOT NULL DEFAULT 1;
ALTER TABLE outbox.event ALTER COLUMN version DROP DEFAULT;
