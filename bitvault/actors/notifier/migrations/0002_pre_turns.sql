-- Which mail is sent first: what somebody waits for, then what is about their security, then the rest.
-- What was queued before takes its turn in the middle.
ALTER TABLE notifier.mail ADD COLUMN urgency smallint NOT NULL DEFAULT 2;
ALTER TABLE notifier.mail ALTER COLUMN urgency DROP DEFAULT;

-- The tenants that have something to send, one after the other, and of each what is due first.
CREATE INDEX mail_turn ON notifier.mail (urgency, tenant_id, next_at) WHERE state = 'queued';
DROP INDEX notifier.mail_due;

-- How many mails of a kind somebody has had or caused: when everything spent is refilled, in seconds
-- of Unix time (GCRA, ADR-0016). In the transaction of the mail: what is looked at again spends nothing.
CREATE TABLE notifier.allowance (
    tenant_id uuid NOT NULL,
    key text NOT NULL,
    arrival double precision NOT NULL,
    PRIMARY KEY (tenant_id, key)
);

CREATE INDEX allowance_spent ON notifier.allowance (tenant_id, arrival);
