-- insert_entry --
-- No ON CONFLICT: the cursor makes a second insert impossible, and a bug here must show.
INSERT INTO audit.entry (
    tenant_id, seq, event_id, kind, aggregate_id, user_id, at, request_id, address, user_agent,
    detail
)
VALUES (
    :tenant_id, :seq, :event_id, :kind, :aggregate_id, :user_id, :at, :request_id, :address,
    :user_agent, :detail::text::jsonb
);

-- entries --
SELECT seq, event_id, kind, aggregate_id, user_id, at, request_id, address, user_agent, detail::text
FROM audit.entry
WHERE tenant_id = :tenant_id
    AND (at, seq) < (:at, :seq) AND at >= :since
ORDER BY at DESC, seq DESC
LIMIT :most;

-- entries_of_subject --
SELECT seq, event_id, kind, aggregate_id, user_id, at, request_id, address, user_agent, detail::text
FROM audit.entry
WHERE tenant_id = :tenant_id AND split_part(kind, '.', 1) = :subject
    AND (at, seq) < (:at, :seq) AND at >= :since
ORDER BY at DESC, seq DESC
LIMIT :most;

-- entries_of_aggregate --
-- One aggregate's own history is short, so the rest is compared row by row.
SELECT seq, event_id, kind, aggregate_id, user_id, at, request_id, address, user_agent, detail::text
FROM audit.entry
WHERE tenant_id = :tenant_id AND aggregate_id = :aggregate_id
    AND (:user_id::uuid IS NULL OR user_id = :user_id)
    AND (:subject::text IS NULL OR split_part(kind, '.', 1) = :subject)
    AND (at, seq) < (:at, :seq) AND at >= :since
ORDER BY at DESC, seq DESC
LIMIT :most;

-- entries_of_user --
-- Nearly all that users do, they do to nodes.
SELECT seq, event_id, kind, aggregate_id, user_id, at, request_id, address, user_agent, detail::text
FROM audit.entry
WHERE tenant_id = :tenant_id AND user_id = :user_id
    AND (:subject::text IS NULL OR split_part(kind, '.', 1) = :subject)
    AND (at, seq) < (:at, :seq) AND at >= :since
ORDER BY at DESC, seq DESC
LIMIT :most;

-- export --
SELECT seq, event_id, kind, aggregate_id, user_id, at, request_id, address, user_agent, detail::text
FROM audit.entry
WHERE tenant_id = :tenant AND seq > :seq
ORDER BY seq
LIMIT :limit;
