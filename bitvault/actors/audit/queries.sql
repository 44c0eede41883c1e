-- insert_entry --
-- No ON CONFLICT: the cursor makes a second insert impossible, and a bug here must show.
INSERT INTO audit.entry (
    tenant_id, seq, event_id, kind, aggregate_id, user_id, at, request_id, address, user_agent,
    detail, node_id, credential_id, by_operator
)
VALUES (
    :tenant_id, :seq, :event_id, :kind, :aggregate_id, :user_id, :at, :request_id, :address,
    :user_agent, :detail::text::jsonb, :node_id, :credential_id, :by_operator
);

-- entries --
SELECT seq, event_id, kind, aggregate_id, user_id, at, request_id, address, user_agent, detail::text,
    credential_id, by_operator
FROM audit.entry
WHERE tenant_id = :tenant_id
    AND (at, seq) < (:at, :seq) AND at >= :since
ORDER BY at DESC, seq DESC
LIMIT :most;

-- entries_of_subject --
SELECT seq, event_id, kind, aggregate_id, user_id, at, request_id, address, user_agent, detail::text,
    credential_id, by_operator
FROM audit.entry
WHERE tenant_id = :tenant_id AND split_part(kind, '.', 1) = :subject
    AND (at, seq) < (:at, :seq) AND at >= :since
ORDER BY at DESC, seq DESC
LIMIT :most;

-- entries_of_aggregate --
-- One aggregate's own history is short, with what was said of a node, so the rest is compared row
-- by row.
SELECT seq, event_id, kind, aggregate_id, user_id, at, request_id, address, user_agent, detail::text,
    credential_id, by_operator
FROM audit.entry
WHERE tenant_id = :tenant_id AND (aggregate_id = :aggregate_id OR node_id = :aggregate_id)
    AND (:user_id::uuid IS NULL OR user_id = :user_id)
    AND (:subject::text IS NULL OR split_part(kind, '.', 1) = :subject)
    AND (at, seq) < (:at, :seq) AND at >= :since
ORDER BY at DESC, seq DESC
LIMIT :most;

-- entries_of_user --
-- Nearly all that users do, they do to nodes.
SELECT seq, event_id, kind, aggregate_id, user_id, at, request_id, address, user_agent, detail::text,
    credential_id, by_operator
FROM audit.entry
WHERE tenant_id = :tenant_id AND user_id = :user_id
    AND (:subject::text IS NULL OR split_part(kind, '.', 1) = :subject)
    AND (at, seq) < (:at, :seq) AND at >= :since
ORDER BY at DESC, seq DESC
LIMIT :most;

-- credentials --
-- The trail knows them longer than the rooms that issued them.
SELECT DISTINCT ON (aggregate_id) aggregate_id, split_part(kind, '.', 1) AS subject,
    detail->>'name' AS name
FROM audit.entry
WHERE tenant_id = :tenant_id AND aggregate_id = ANY(:ids::uuid[])
    AND kind IN ('token.created', 'session.opened', 'session.approved', 'share.link_created')
ORDER BY aggregate_id, at;

-- export --
SELECT seq, event_id, kind, aggregate_id, user_id, at, request_id, address, user_agent, detail::text,
    credential_id, by_operator
FROM audit.entry
WHERE tenant_id = :tenant AND seq > :seq
ORDER BY seq
LIMIT :limit;
