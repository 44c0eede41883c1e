-- Whose word a session rests on, where it came in by a provider of identities, and which session of
-- the provider's it belongs to, if the provider said so: what a logout there ends. A table of its
-- own, because most sessions have none of it, and because it goes whenever and however they go.
CREATE TABLE identity.vouched_session (
    tenant_id uuid NOT NULL,
    credential_id uuid NOT NULL,
    user_id uuid NOT NULL,
    source text NOT NULL,
    sid text,
    PRIMARY KEY (tenant_id, credential_id),
    FOREIGN KEY (tenant_id, credential_id) REFERENCES identity.credential ON DELETE CASCADE
);

CREATE INDEX vouched_session_user ON identity.vouched_session (tenant_id, source, user_id);
CREATE INDEX vouched_session_sid ON identity.vouched_session (tenant_id, source, sid)
    WHERE sid IS NOT NULL;

-- What a provider that is removed has given.
CREATE INDEX membership_source ON identity.membership (tenant_id, source, user_id, group_id)
    WHERE source <> 'local';
