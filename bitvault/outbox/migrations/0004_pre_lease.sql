-- Who does what only one of several daemons may do: the holder of the newest epoch, until that time
-- on the database's clock. The rows are the platform's own, under the tenant that there is not.
CREATE TABLE outbox.lease (
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    holder uuid NOT NULL,
    epoch bigint NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, name)
);
