-- Who put a user in a group: an admin ('local'), or whoever keeps groups elsewhere (a provider's
-- id). Such a source takes away what it gave and nothing else.
ALTER TABLE identity.membership ADD COLUMN source text NOT NULL DEFAULT 'local';
ALTER TABLE identity.membership ALTER COLUMN source DROP DEFAULT;

-- Whom an issuer means by a subject: the only thing that ties an account to it, never an address.
CREATE TABLE identity.external_identity (
    tenant_id uuid NOT NULL,
    issuer text NOT NULL,
    subject text NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, issuer, subject),
    FOREIGN KEY (tenant_id, user_id) REFERENCES identity.account
);

CREATE INDEX external_identity_user ON identity.external_identity (tenant_id, user_id);
