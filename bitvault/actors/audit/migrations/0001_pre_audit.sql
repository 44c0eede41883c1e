CREATE SCHEMA audit;

CREATE TABLE audit.entry (
    tenant_id uuid NOT NULL,
    seq bigint NOT NULL,
    event_id uuid NOT NULL,
    kind text NOT NULL,
    aggregate_id uuid NOT NULL,
    user_id uuid,
    at timestamptz NOT NULL,
    request_id text NOT NULL,
    address text NOT NULL,
    user_agent text NOT NULL,
    detail jsonb NOT NULL,
    PRIMARY KEY (tenant_id, seq)
);
