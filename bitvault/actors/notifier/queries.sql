-- insert_mail --
-- Queued once: what is looked at again finds it there.
INSERT INTO notifier.mail (
    tenant_id, mail_id, seq, kind, recipient_id, detail, queued_at, next_at
)
VALUES (
    :tenant_id, :mail_id, :seq, :kind, :recipient_id, :detail::text::jsonb, :now, :now
)
ON CONFLICT (tenant_id, seq, recipient_id, kind) DO NOTHING;

-- due --
-- Across tenants: whose turn it is.
SELECT tenant_id, mail_id FROM notifier.mail
WHERE state = 'queued' AND next_at <= :now
ORDER BY next_at
LIMIT :most;

-- claim --
-- Another daemon finds it taken.
UPDATE notifier.mail SET attempts = attempts + 1, next_at = :until
WHERE tenant_id = :tenant_id AND mail_id = :mail_id AND state = 'queued' AND next_at <= :now
RETURNING mail_id, kind, recipient_id, detail::text, attempts, queued_at;

-- give_back --
UPDATE notifier.mail SET attempts = attempts - 1, next_at = :next_at, error = :error
WHERE tenant_id = :tenant_id AND mail_id = :mail_id AND state = 'queued';

-- settle --
UPDATE notifier.mail
SET state = :state, next_at = :next_at, address = coalesce(:address::text, address), error = :error,
    ended_at = CASE WHEN :state = 'queued' THEN NULL ELSE :now::timestamptz END
WHERE tenant_id = :tenant_id AND mail_id = :mail_id AND state = 'queued';

-- forget --
DELETE FROM notifier.mail
WHERE tenant_id = :tenant_id AND mail_id IN (
    SELECT m.mail_id FROM notifier.mail AS m
    WHERE m.tenant_id = :tenant_id AND m.state <> 'queued' AND m.ended_at < :before
    LIMIT 100
);

-- waiting --
-- Across tenants, for the state of the server.
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
