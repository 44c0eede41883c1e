-- policies --
SELECT jsonb_agg(to_jsonb(p))::text AS policies FROM identity.policy AS p
WHERE p.tenant_id = :tenant_id;

-- put_policy --
INSERT INTO identity.policy (
    tenant_id, side, revision, links_allowed, password_required, longest_life, default_life,
    min_password, longest_session
)
VALUES (
    :tenant_id, :side, :revision, :links_allowed, :password_required, :longest_life, :default_life,
    :min_password, :longest_session
)
ON CONFLICT (tenant_id, side) DO UPDATE
SET revision = excluded.revision, links_allowed = excluded.links_allowed,
    password_required = excluded.password_required, longest_life = excluded.longest_life,
    default_life = excluded.default_life, min_password = excluded.min_password,
    longest_session = excluded.longest_session;
