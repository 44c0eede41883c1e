-- What an Idempotency-Key made: a user or a token. Neither the request nor a secret is kept.
CREATE TABLE identity.idempotency (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    key text NOT NULL,
    made_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, user_id, key)
);
