-- insert_mail --
-- Queued once: what is looked at again finds it there.
INSERT INTO notifier.mail (
    tenant_id, mail_id, seq, kind, recipient_id, detail, urgency, queued_at, next_at
)
VALUES (
    :tenant_id, :mail_id, :seq, :kind, :recipient_id, :detail::text::jsonb, :urgency, :now, :now
)
ON CONFLICT (tenant_id, seq, recipient_id, kind) DO NOTHING
RETURNING mail_id;

-- drop_mail --
UPDATE notifier.mail SET state = 'dropped', error = :error, ended_at = :now
WHERE tenant_id = :tenant_id AND mail_id = :mail_id;

-- arrivals --
SELECT key, arrival FROM notifier.allowance
WHERE tenant_id = :tenant_id AND key = ANY(:keys::text[]);

-- spend --
INSERT INTO notifier.allowance (tenant_id, key, arrival)
SELECT :tenant_id, s.key, s.arrival
FROM unnest(:keys::text[], :arrivals::double precision[]) AS s (key, arrival)
ORDER BY s.key
ON CONFLICT (tenant_id, key) DO UPDATE SET arrival = excluded.arrival;

-- forget_spent --
-- Whose arrival has passed is whole again.
WITH spent AS MATERIALIZED (
    SELECT key FROM notifier.allowance
    WHERE tenant_id = :tenant_id AND arrival <= :now
    ORDER BY arrival
    LIMIT 10
    FOR UPDATE SKIP LOCKED
)
DELETE FROM notifier.allowance
WHERE tenant_id = :tenant_id AND key IN (SELECT key FROM spent);

-- due, across tenants --
-- From one tenant to the next, some further than it can serve, as those have nothing
-- that is due. The first of each, then the second of each: whoever has much waits for itself.
WITH RECURSIVE walk AS (
    (
        SELECT m.tenant_id, 1 AS step FROM notifier.mail AS m
        WHERE m.state = 'queued' AND m.urgency = :urgency AND m.tenant_id > :after
        ORDER BY m.tenant_id
        LIMIT 1
    )
    UNION ALL
    SELECT n.tenant_id, w.step + 1
    FROM walk AS w
    CROSS JOIN LATERAL (
        SELECT m.tenant_id FROM notifier.mail AS m
        WHERE m.state = 'queued' AND m.urgency = :urgency AND m.tenant_id > w.tenant_id
        ORDER BY m.tenant_id
        LIMIT 1
    ) AS n
    WHERE w.step < :tenants
)
SELECT w.tenant_id, d.mail_id, d.place
FROM walk AS w
LEFT JOIN LATERAL (
    SELECT f.mail_id, row_number() OVER (ORDER BY f.next_at, f.mail_id) AS place
    FROM (
        SELECT m.mail_id, m.next_at FROM notifier.mail AS m
        WHERE m.state = 'queued' AND m.urgency = :urgency AND m.tenant_id = w.tenant_id
            AND m.next_at <= :now
        ORDER BY m.next_at
        LIMIT :most
    ) AS f
) AS d ON true
ORDER BY d.place NULLS LAST, w.tenant_id;

-- claim --
-- Another daemon finds it taken.
UPDATE notifier.mail SET attempts = attempts + 1, next_at = :until
WHERE tenant_id = :tenant_id AND mail_id = :mail_id AND state = 'queued' AND next_at <= :now
RETURNING mail_id, kind, recipient_id, detail::text, attempts, queued_at;

-- give_back --
-- By whoever has it: one whose lease ended finds that it was claimed again. So below.
UPDATE notifier.mail SET attempts = attempts - 1, next_at = :next_at, error = :error
WHERE tenant_id = :tenant_id AND mail_id = :mail_id AND state = 'queued' AND next_at = :until;

-- settle --
UPDATE notifier.mail
SET state = :state, next_at = :next_at, address = coalesce(:address::text, address), error = :error,
    ended_at = CASE WHEN :state = 'queued' THEN NULL ELSE :now::timestamptz END
WHERE tenant_id = :tenant_id AND mail_id = :mail_id AND state = 'queued' AND next_at = :until;

-- forget --
DELETE FROM notifier.mail
WHERE tenant_id = :tenant_id AND mail_id IN (
    SELECT m.mail_id FROM notifier.mail AS m
    WHERE m.tenant_id = :tenant_id AND m.state <> 'queued' AND m.ended_at < :before
    LIMIT 100
);

-- waiting, across tenants --
-- For the state of the server.
SELECT count(*) AS queued, min(first.queued_at) AS oldest_at
FROM (
    SELECT queued_at FROM notifier.mail WHERE state = 'queued' ORDER BY queued_at LIMIT 10000
) AS first;

-- count_of --
SELECT count(*) AS count, min(latest.queued_at) AS oldest_at
FROM (
    SELECT queued_at FROM notifier.mail
    WHERE tenant_id = :tenant_id AND state = :state
    ORDER BY seq
    LIMIT 10000
) AS latest;

-- mails --
SELECT mail_id, seq, kind, recipient_id, state, attempts, queued_at, next_at, ended_at, address, error
FROM notifier.mail
WHERE tenant_id = :tenant_id AND (seq, mail_id) < (:seq, :mail_id)
ORDER BY seq DESC, mail_id DESC
LIMIT :most;

-- mails_in_state --
SELECT mail_id, seq, kind, recipient_id, state, attempts, queued_at, next_at, ended_at, address, error
FROM notifier.mail
WHERE tenant_id = :tenant_id AND state = :state AND (seq, mail_id) < (:seq, :mail_id)
ORDER BY seq DESC, mail_id DESC
LIMIT :most;

-- resend --
UPDATE notifier.mail
SET state = 'queued', attempts = 0, queued_at = :now, next_at = :now, ended_at = NULL, error = NULL
WHERE tenant_id = :tenant_id AND mail_id = :mail_id
RETURNING mail_id, seq, kind, recipient_id, state, attempts, queued_at, next_at, ended_at, address,
    error;
