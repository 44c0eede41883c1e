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

-- entries_before --
SELECT seq, event_id, kind, aggregate_id, user_id, at, request_id, address, user_agent, detail::text
FROM audit.entry
WHERE tenant_id = :tenant_id AND seq < :before
ORDER BY seq DESC
LIMIT :most;
