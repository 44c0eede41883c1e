-- Where somebody got mail when their address was to become another, or none: who is told of it must
-- not be whoever made the change. Kept as long as a mail may wait, and gone with the account.
CREATE TABLE identity.former_address (
    tenant_id uuid NOT NULL,
    former_id uuid NOT NULL,
    user_id uuid NOT NULL,
    email text NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, former_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES identity.account
);

CREATE INDEX former_address_user ON identity.former_address (tenant_id, user_id);
-- What is to be forgotten, across tenants.
CREATE INDEX former_address_until ON identity.former_address (until);
