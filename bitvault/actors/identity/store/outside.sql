-- outsider --
-- Whose identity this is, held until the end; nobody's where they are deleted.
SELECT a.tenant_id, t.name AS tenant_name, a.user_id, a.login, a.display_name, a.password_hash,
    a.is_admin, a.is_operator, a.kind, a.disabled_at IS NOT NULL AS is_disabled, a.created_at
FROM identity.external_identity AS e
JOIN identity.account AS a ON a.tenant_id = e.tenant_id AND a.user_id = e.user_id
JOIN identity.tenant AS t ON t.tenant_id = a.tenant_id
WHERE e.tenant_id = :tenant_id AND e.issuer = :issuer AND e.subject = :subject
    AND a.deleted_at IS NULL
FOR NO KEY UPDATE OF a;

-- provisioned --
-- Whom a directory made, and who has no other way in; held until the end. Operators are tied by hand.
SELECT a.tenant_id, t.name AS tenant_name, a.user_id, a.login, a.display_name, a.password_hash,
    a.is_admin, a.is_operator, a.kind, a.disabled_at IS NOT NULL AS is_disabled, a.created_at
FROM identity.account AS a
JOIN identity.tenant AS t ON t.tenant_id = a.tenant_id
WHERE a.tenant_id = :tenant_id AND a.external_id = :external_id AND a.deleted_at IS NULL
    AND a.kind = 'person' AND a.password_hash IS NULL AND NOT a.is_operator
    AND NOT EXISTS (
        SELECT FROM identity.external_identity AS e
        WHERE e.tenant_id = a.tenant_id AND e.user_id = a.user_id
    )
FOR NO KEY UPDATE OF a;

-- insert_outsider --
INSERT INTO identity.external_identity (tenant_id, issuer, subject, user_id, created_at)
VALUES (:tenant_id, :issuer, :subject, :user_id, :now);

-- forget_outsiders --
DELETE FROM identity.external_identity
WHERE tenant_id = :tenant_id AND user_id = :user_id;

-- insert_vouched --
INSERT INTO identity.vouched_session (tenant_id, credential_id, user_id, source, sid)
VALUES (:tenant_id, :credential_id, :user_id, :source, :sid);

-- end_vouched_of_user --
-- Of all that came in by the source, or of one session there and of what it did not name.
DELETE FROM identity.credential AS c
USING identity.vouched_session AS v
WHERE v.tenant_id = :tenant_id AND v.source = :source AND v.user_id = :user_id
    AND (:sid::text IS NULL OR v.sid IS NULL OR v.sid = :sid)
    AND c.tenant_id = v.tenant_id AND c.credential_id = v.credential_id
RETURNING c.credential_id, c.user_id;

-- end_vouched_by_sid --
DELETE FROM identity.credential AS c
USING identity.vouched_session AS v
WHERE v.tenant_id = :tenant_id AND v.source = :source AND v.sid = :sid
    AND c.tenant_id = v.tenant_id AND c.credential_id = v.credential_id
RETURNING c.credential_id, c.user_id;

-- take_back --
DELETE FROM identity.membership AS m
USING (
    SELECT group_id, user_id FROM identity.membership
    WHERE tenant_id = :tenant_id AND source = :source AND source <> 'local'
    ORDER BY user_id, group_id
    LIMIT :limit
) AS given
WHERE m.tenant_id = :tenant_id AND m.group_id = given.group_id AND m.user_id = given.user_id
    AND m.source = :source
RETURNING m.group_id, m.user_id;
