-- One ordering authority (ADR-0006): the outbox is the journal, numbered inside the transaction
-- that changes the state, so seq order is commit order within a tenant, without a gap.
CREATE SCHEMA outbox;

CREATE TABLE outbox.tenant_seq (
    tenant_id uuid PRIMARY KEY,
    last bigint NOT NULL,
    epoch uuid NOT NULL
);

CREATE TABLE outbox.event (
    tenant_id uuid NOT NULL,
    seq bigint NOT NULL,
    event_id uuid NOT NULL,
    kind text NOT NULL,
    aggregate_id uuid NOT NULL,
    revision bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    user_id uuid,
    origin jsonb NOT NULL,
    payload jsonb NOT NULL,
    PRIMARY KEY (tenant_id, seq)
);

-- `consumer` is a worker's name, or `relay`: how far each has come in each tenant's events.
CREATE TABLE outbox.consumer_cursor (
    consumer text NOT NULL,
    tenant_id uuid NOT NULL,
    applied bigint NOT NULL,
    PRIMARY KEY (consumer, tenant_id)
);

-- An event a consumer could not apply, and those of the same aggregate that wait behind it.
CREATE TABLE outbox.dead_letter (
    consumer text NOT NULL,
    tenant_id uuid NOT NULL,
    seq bigint NOT NULL,
    aggregate_id uuid NOT NULL,
    attempts integer NOT NULL,
    error text NOT NULL,
    parked_at timestamptz NOT NULL,
    PRIMARY KEY (consumer, tenant_id, seq)
);

CREATE INDEX dead_letter_aggregate ON outbox.dead_letter (consumer, tenant_id, aggregate_id);
