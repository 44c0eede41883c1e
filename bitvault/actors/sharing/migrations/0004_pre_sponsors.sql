-- Who answers for a link (ADR-0019): whoever changed it last; nobody yet: who made it.

ALTER TABLE sharing.link ADD COLUMN sponsor_id uuid;
