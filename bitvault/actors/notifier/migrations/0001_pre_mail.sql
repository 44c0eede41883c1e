CREATE SCHEMA notifier;

-- A mail to be written and sent: what it is about, and never a secret, which is made when it is
-- sent. One for each event, recipient and kind, whatever is delivered twice.
CREATE TABLE notifier.mail (
    tenant_id uuid NOT NULL,
    mail_id uuid NOT NULL,
    seq bigint NOT NULL,
    kind text NOT NULL,
    recipient_id uuid NOT NULL,
    detail jsonb NOT NULL,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'failed', 'dropped')),
    attempts integer NOT NULL DEFAULT 0,
    queued_at timestamptz NOT NULL,
    next_at timestamptz NOT NULL,
    ended_at timestamptz,
    address text,
    error text,
    PRIMARY KEY (tenant_id, mail_id),
    UNIQUE (tenant_id, seq, recipient_id, kind)
);

-- Whose turn it is, across tenants; how long the first has waited.
CREATE INDEX mail_due ON notifier.mail (next_at) WHERE state = 'queued';
CREATE INDEX mail_waiting ON notifier.mail (queued_at) WHERE state = 'queued';
-- An admin asks for the latest, of all or of those in one state.
CREATE INDEX mail_place ON notifier.mail (tenant_id, seq, mail_id);
CREATE INDEX mail_state ON notifier.mail (tenant_id, state, seq, mail_id);
-- What ended long ago is forgotten.
CREATE INDEX mail_ended ON notifier.mail (tenant_id, ended_at) WHERE state <> 'queued';
