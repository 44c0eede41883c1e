-- A quota of its own, or the one that the tenant gives all its spaces: that is in the tenant's own
-- row, which whoever reserves bytes holds anyway. So a change is one row, however many follow it.
ALTER TABLE files.usage
    ADD COLUMN follows boolean NOT NULL DEFAULT FALSE,
    ADD COLUMN space_quota bigint CHECK (space_quota >= 0),
    ADD COLUMN revision bigint NOT NULL DEFAULT 1,
    ADD CONSTRAINT usage_own CHECK (NOT follows OR (quota IS NULL AND holder_id <> tenant_id)),
    ADD CONSTRAINT usage_space CHECK (space_quota IS NULL OR holder_id = tenant_id);

-- Personal spaces have had what the settings said when they were made: what the newest of a tenant
-- has is taken for the tenant's, and who has the same follows. The policies hold for the owner too.
ALTER TABLE files.usage NO FORCE ROW LEVEL SECURITY;
ALTER TABLE files.space NO FORCE ROW LEVEL SECURITY;
UPDATE files.usage AS t SET space_quota = newest.quota
  FROM (SELECT DISTINCT ON (s.tenant_id) s.tenant_id, u.quota
          FROM files.space AS s
          JOIN files.usage AS u ON u.tenant_id = s.tenant_id AND u.holder_id = s.space_id
         WHERE s.kind = 'personal'
         ORDER BY s.tenant_id, s.space_id DESC) AS newest
 WHERE t.tenant_id = newest.tenant_id AND t.holder_id = t.tenant_id;
UPDATE files.usage AS u SET follows = TRUE, quota = NULL
  FROM files.space AS s
  JOIN files.usage AS t ON t.tenant_id = s.tenant_id AND t.holder_id = t.tenant_id
 WHERE u.tenant_id = s.tenant_id AND u.holder_id = s.space_id AND s.kind = 'personal'
   AND u.quota IS NOT DISTINCT FROM t.space_quota;
ALTER TABLE files.space FORCE ROW LEVEL SECURITY;
ALTER TABLE files.usage FORCE ROW LEVEL SECURITY;
