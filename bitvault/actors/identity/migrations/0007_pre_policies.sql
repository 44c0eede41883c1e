-- What a tenant's admins ask of links, passwords and sessions ('own'), and what the platform's
-- operators ask of that tenant at least ('bound'): the stricter of the two holds. Times in seconds.
CREATE TABLE identity.policy (
    tenant_id uuid NOT NULL REFERENCES identity.tenant,
    side text NOT NULL CHECK (side IN ('own', 'bound')),
    revision bigint NOT NULL,
    links_allowed boolean NOT NULL,
    password_required boolean NOT NULL,
    longest_life bigint CHECK (longest_life > 0),
    default_life bigint CHECK (default_life > 0),
    min_password integer NOT NULL CHECK (min_password >= 8),
    longest_session bigint CHECK (longest_session > 0),
    PRIMARY KEY (tenant_id, side)
);

-- How much the tenant may ask, instead of what the settings say: units a second, and at once.
ALTER TABLE identity.tenant
    ADD COLUMN rate double precision CHECK (rate > 0),
    ADD COLUMN burst integer CHECK (burst > 0),
    ADD CHECK ((rate IS NULL) = (burst IS NULL));
