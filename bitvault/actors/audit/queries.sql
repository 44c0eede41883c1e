-- insert_entries --
-- No ON CONFLICT: the cursor makes a second insert impossible, and a bug here must show.
INSERT INTO audit.entry (
    tenant_id, seq, event_id, kind, aggregate_id, user_id, at, request_id, address, user_agent,
    detail, node_id, credential_id, by_operator
)
SELECT
    :tenant_id::uuid, e.seq, e.event_id, e.kind, e.aggregate_id, e.user_id, e.at, e.request_id,
    e.address, e.user_agent, e.detail::jsonb, e.node_id, e.credential_id, e.by_operator
FROM unnest(
    :seqs::bigint[], :event_ids::uuid[], :kinds::text[], :aggregate_ids::uuid[], :user_ids::uuid[],
    :ats::timestamptz[], :request_ids::text[], :addresses::text[], :user_agents::text[],
    :details::text[], :node_ids::uuid[], :credential_ids::uuid[], :by_operators::boolean[]
) AS e (
    seq, event_id, kind, aggregate_id, user_id, at, request_id, address, user_agent, detail,
    node_id, credential_id, by_operator
);

-- entries --
SELECT seq, event_id, kind, aggregate_id, user_id, at, request_id, address, user_agent, detail::text,
    credential_id, by_operator
FROM audit.entry
WHERE tenant_id = :tenant_id
    AND (at, seq) < (:at, :seq) AND at >= :since
ORDER BY at DESC, seq DESC
LIMIT :most;

-- entries_without_blobs --
SELECT seq, event_id, kind, aggregate_id, user_id, at, request_id, address, user_agent, detail::text,
    credential_id, by_operator
FROM audit.entry
WHERE tenant_id = :tenant_id AND split_part(kind, '.', 1) <> 'blob'
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
-- Nearly all that users do, they do to nodes; half as much becomes of the bytes they send.
SELECT seq, event_id, kind, aggregate_id, user_id, at, request_id, address, user_agent, detail::text,
    credential_id, by_operator
FROM audit.entry
WHERE tenant_id = :tenant_id AND user_id = :user_id
    AND (:subject::text IS NULL OR split_part(kind, '.', 1) = :subject)
    AND (:with_blobs OR split_part(kind, '.', 1) <> 'blob')
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

-- insert_downloads --
-- Counts are whole counts, so that a batch may be written twice: whether a COMMIT that was cut off
-- happened nobody knows.
INSERT INTO audit.download AS d (
    tenant_id, download_id, node_id, version, name, size, user_id, credential_id, by_operator, at,
    last_at, times, request_id, address, user_agent
)
SELECT :tenant_id, u.* FROM unnest(
    :download_ids::uuid[], :node_ids::uuid[], :versions::bigint[], :names::text[], :sizes::bigint[],
    :user_ids::uuid[], :credential_ids::uuid[], :by_operators::boolean[], :ats::timestamptz[],
    :last_ats::timestamptz[], :counts::bigint[], :request_ids::text[], :addresses::text[],
    :user_agents::text[]
) AS u
ON CONFLICT (tenant_id, download_id) DO UPDATE
SET times = greatest(d.times, excluded.times), last_at = greatest(d.last_at, excluded.last_at);

-- downloads --
SELECT download_id, node_id, version, name, size, user_id, credential_id, by_operator, at, last_at,
    times, request_id, address, user_agent
FROM audit.download
WHERE tenant_id = :tenant_id
    AND (at, download_id) < (:at, :download_id) AND at >= :since
ORDER BY at DESC, download_id DESC
LIMIT :most;

-- downloads_of_node --
SELECT download_id, node_id, version, name, size, user_id, credential_id, by_operator, at, last_at,
    times, request_id, address, user_agent
FROM audit.download
WHERE tenant_id = :tenant_id AND node_id = :node_id
    AND (:user_id::uuid IS NULL OR user_id = :user_id)
    AND (at, download_id) < (:at, :download_id) AND at >= :since
ORDER BY at DESC, download_id DESC
LIMIT :most;

-- downloads_of_user --
SELECT download_id, node_id, version, name, size, user_id, credential_id, by_operator, at, last_at,
    times, request_id, address, user_agent
FROM audit.download
WHERE tenant_id = :tenant_id AND user_id = :user_id
    AND (at, download_id) < (:at, :download_id) AND at >= :since
ORDER BY at DESC, download_id DESC
LIMIT :most;

-- export_downloads --
SELECT download_id, node_id, version, name, size, user_id, credential_id, by_operator, at, last_at,
    times, request_id, address, user_agent
FROM audit.download
WHERE tenant_id = :tenant AND download_id > :download_id
ORDER BY download_id
LIMIT :limit;
