CREATE SCHEMA toy;

CREATE TABLE toy.toy (
    tenant_id uuid NOT NULL,
    toy_id uuid NOT NULL,
    name text NOT NULL,
    is_told boolean NOT NULL DEFAULT false,
    is_broken boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, toy_id)
);
