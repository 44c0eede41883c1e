-- grant --
-- A restricted folder is one to the nil user, with the bit 16384 in its rights.
SELECT node_id, grantee_id, grantee_kind, grant_id, role, rights, granted_by, granted_at
  FROM sharing.granted
 WHERE tenant_id = :tenant AND (node_id, grantee_id) > (:node_id, :grantee_id)
 ORDER BY node_id, grantee_id LIMIT :limit;

-- link --
-- Neither its token nor its password is known here.
SELECT link_id, node_id, role, label, password_hash IS NOT NULL AS has_password, expires_at,
       max_downloads, downloads, is_revoked, created_by, created_at
  FROM sharing.link
 WHERE tenant_id = :tenant AND link_id > :link_id ORDER BY link_id LIMIT :limit;
