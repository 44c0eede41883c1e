-- append --
-- The counter row is taken last in every transaction and held until its commit.
WITH counter AS (
    INSERT INTO outbox.tenant_seq (tenant_id, last, epoch)
    VALUES (:tenant_id, cardinality(:event_ids::uuid[]), :epoch)
    ON CONFLICT (tenant_id) DO UPDATE SET last = tenant_seq.last + excluded.last
    RETURNING last, tenant_seq.epoch
), appended AS (
    INSERT INTO outbox.event (
        tenant_id, seq, event_id, kind, version, aggregate_id, revision, recorded_at, user_id,
        origin, payload
    )
    SELECT
        :tenant_id::uuid, counter.last - cardinality(:event_ids::uuid[]) + e.place, e.event_id, e.kind,
        e.version, e.aggregate_id, e.revision, :now::timestamptz, :user_id::uuid, :origin::text::jsonb,
        e.payload::jsonb
    FROM counter, unnest(
        :event_ids::uuid[], :kinds::text[], :versions::smallint[], :aggregate_ids::uuid[], :revisions::bigint[],
        :payloads::text[]
    ) WITH ORDINALITY AS e (event_id, kind, version, aggregate_id, revision, payload, place)
)
SELECT last, epoch FROM counter;

-- behind, across tenants --
-- Tenants a consumer has not finished, in a stable order.
SELECT s.tenant_id
FROM outbox.tenant_seq AS s
LEFT JOIN outbox.consumer_cursor AS c ON c.tenant_id = s.tenant_id AND c.consumer = :consumer
WHERE s.last > coalesce(c.applied, 0)
ORDER BY s.tenant_id
LIMIT :most;

-- applied --
SELECT applied FROM outbox.consumer_cursor WHERE consumer = :consumer AND tenant_id = :tenant_id;

-- events_after --
SELECT seq, event_id, kind, version, aggregate_id, revision, recorded_at, user_id, origin::text,
    payload::text
FROM outbox.event
WHERE tenant_id = :tenant_id AND seq > :after
ORDER BY seq
LIMIT :most;

-- prunable, across tenants --
-- Tenants whose first event is old and needed by nobody: up to which seq that may hold. A letter
-- that is dead needs its event, and all behind it stay with it, so that no gap comes to be.
SELECT s.tenant_id, least(c.passed, d.seq - 1) AS last
FROM outbox.tenant_seq AS s
CROSS JOIN LATERAL (
    SELECT seq, recorded_at FROM outbox.event
    WHERE tenant_id = s.tenant_id ORDER BY seq LIMIT 1
) AS first
CROSS JOIN LATERAL (
    SELECT min(coalesce(c.applied, 0)) AS passed
    FROM unnest(:consumers::text[]) AS n (consumer)
    LEFT JOIN outbox.consumer_cursor AS c
        ON c.tenant_id = s.tenant_id AND c.consumer = n.consumer
) AS c
CROSS JOIN LATERAL (
    SELECT min(seq) AS seq FROM outbox.dead_letter
    WHERE tenant_id = s.tenant_id AND consumer = ANY(:consumers)
) AS d
WHERE first.recorded_at < :before AND first.seq <= least(c.passed, d.seq - 1)
ORDER BY s.tenant_id
LIMIT :most;

-- prune --
-- From the first one on, up to one that is not old yet.
WITH head AS MATERIALIZED (
    SELECT seq, recorded_at FROM outbox.event
    WHERE tenant_id = :tenant_id AND seq <= :last
    ORDER BY seq
    LIMIT :most
)
DELETE FROM outbox.event
WHERE tenant_id = :tenant_id AND seq IN (
    SELECT h.seq FROM head AS h
    WHERE h.seq < coalesce(
        (SELECT min(y.seq) FROM head AS y WHERE y.recorded_at >= :before), :last + 1
    )
);

-- hint_after --
-- Without the events: how many come next, the last of them, and what they tell of.
SELECT count(*) AS events, max(e.seq) AS last, array_agg(DISTINCT e.kind) AS kinds
FROM (
    SELECT seq, kind FROM outbox.event
    WHERE tenant_id = :tenant_id AND seq > :after
    ORDER BY seq
    LIMIT :most
) AS e;

-- advance --
-- Compare and set: no row means duplicate, gap, or somebody else was faster.
INSERT INTO outbox.consumer_cursor (consumer, tenant_id, applied)
SELECT :consumer::text, :tenant_id::uuid, :applied::bigint WHERE :expected::bigint = 0
ON CONFLICT (consumer, tenant_id) DO NOTHING
RETURNING applied;

-- advance_existing --
UPDATE outbox.consumer_cursor
SET applied = :applied
WHERE consumer = :consumer AND tenant_id = :tenant_id AND applied = :expected
RETURNING applied;

-- park --
INSERT INTO outbox.dead_letter (
    consumer, tenant_id, seq, aggregate_id, attempts, error, parked_at
)
VALUES (:consumer, :tenant_id, :seq, :aggregate_id, :attempts, :error, :now)
ON CONFLICT DO NOTHING;

-- hold --
SELECT applied FROM outbox.consumer_cursor
WHERE consumer = :consumer AND tenant_id = :tenant_id
FOR UPDATE;

-- parked --
SELECT DISTINCT aggregate_id
FROM outbox.dead_letter
WHERE consumer = :consumer AND tenant_id = :tenant_id AND aggregate_id = ANY(:aggregate_ids::uuid[]);

-- parked_events --
SELECT e.seq, e.event_id, e.kind, e.version, e.aggregate_id, e.revision, e.recorded_at, e.user_id,
    e.origin::text, e.payload::text
FROM outbox.dead_letter AS d
JOIN outbox.event AS e ON e.tenant_id = d.tenant_id AND e.seq = d.seq
WHERE d.consumer = :consumer AND d.tenant_id = :tenant_id AND d.aggregate_id = :aggregate_id
ORDER BY d.seq
LIMIT :most
FOR UPDATE OF d;

-- unpark --
DELETE FROM outbox.dead_letter
WHERE consumer = :consumer AND tenant_id = :tenant_id AND seq = :seq;

-- letters_after --
SELECT d.consumer, d.seq, e.event_id, e.kind, d.aggregate_id, d.attempts, d.error, d.parked_at
FROM outbox.dead_letter AS d
JOIN outbox.event AS e ON e.tenant_id = d.tenant_id AND e.seq = d.seq
WHERE d.tenant_id = :tenant_id AND d.consumer = ANY(:consumers::text[])
    AND (d.consumer, d.seq) > (:consumer, :seq)
ORDER BY d.consumer, d.seq
LIMIT :most;

-- next_aggregate --
SELECT aggregate_id FROM outbox.dead_letter
WHERE consumer = :consumer AND tenant_id = :tenant_id AND aggregate_id > :after
ORDER BY aggregate_id
LIMIT 1;

-- note_failure --
UPDATE outbox.dead_letter SET attempts = attempts + 1, error = :error
WHERE consumer = :consumer AND tenant_id = :tenant_id AND seq = :seq;

-- hold_counter --
SELECT last FROM outbox.tenant_seq WHERE tenant_id = :tenant_id FOR UPDATE;

-- lag, across tenants --
-- Per consumer: events not yet applied, over all tenants, and the age of the oldest; dead letters
-- up to 10,000.
SELECT
    w.consumer,
    coalesce(sum(s.last - coalesce(c.applied, 0)), 0)::bigint AS events,
    coalesce(extract(epoch FROM :now::timestamptz - min(e.recorded_at)), 0)::float8 AS seconds,
    min(e.recorded_at) AS since,
    (
        SELECT count(*) FROM (
            SELECT FROM outbox.dead_letter AS d WHERE d.consumer = w.consumer LIMIT 10000
        ) AS letters
    ) AS dead
FROM unnest(:consumers::text[]) AS w (consumer)
LEFT JOIN outbox.tenant_seq AS s ON true
LEFT JOIN outbox.consumer_cursor AS c ON c.consumer = w.consumer AND c.tenant_id = s.tenant_id
LEFT JOIN outbox.event AS e
    ON e.tenant_id = s.tenant_id AND e.seq = coalesce(c.applied, 0) + 1
GROUP BY w.consumer
ORDER BY w.consumer;

-- take_lease --
-- Free, run out, or of a process that ran here before this one. The epoch says who is the newest.
INSERT INTO outbox.lease AS l (tenant_id, name, holder, epoch, until)
VALUES (
    :tenant_id, :name, :holder, 1, clock_timestamp() + make_interval(secs => :seconds::float8)
)
ON CONFLICT (tenant_id, name) DO UPDATE
SET holder = excluded.holder, epoch = l.epoch + 1, until = excluded.until
WHERE l.until <= clock_timestamp() OR l.holder = excluded.holder
RETURNING epoch;

-- renew_lease --
UPDATE outbox.lease SET until = clock_timestamp() + make_interval(secs => :seconds::float8)
WHERE tenant_id = :tenant_id AND name = :name AND epoch = :epoch
RETURNING epoch;

-- release_lease --
UPDATE outbox.lease SET until = clock_timestamp()
WHERE tenant_id = :tenant_id AND name = :name AND epoch = :epoch;
