-- space --
SELECT s.space_id, s.kind, s.name, s.owner_id, s.root_id, s.created_at, u.used,
       CASE WHEN u.follows THEN NULL ELSE u.quota END AS quota
  FROM files.space s
  JOIN files.usage u ON u.tenant_id = s.tenant_id AND u.holder_id = s.space_id
 WHERE s.tenant_id = :tenant AND s.space_id > :space_id ORDER BY s.space_id LIMIT :limit;

-- space_member --
SELECT space_id, user_id, role FROM files.member
 WHERE tenant_id = :tenant AND (space_id, user_id) > (:space_id, :user_id)
 ORDER BY space_id, user_id LIMIT :limit;

-- node --
-- What is in the trash has an entry_id; a root has a space_id and no parent.
SELECT node_id, parent_id, space_id, kind, name, version, size, hash, content_type,
       content_modified_at, entry_id, created_at, modified_at, modified_by
  FROM files.node
 WHERE tenant_id = :tenant AND node_id > :node_id ORDER BY node_id LIMIT :limit;

-- version --
SELECT v.node_id, v.version, v.size, v.hash, v.content_type, v.content_modified_at, v.created_at,
       v.created_by, b.object_key
  FROM files.version v
  JOIN files.blob b ON b.tenant_id = v.tenant_id AND b.hash = v.hash
 WHERE v.tenant_id = :tenant AND (v.node_id, v.version) > (:node_id, :version::bigint)
 ORDER BY v.node_id, v.version LIMIT :limit;

-- trash_entry --
SELECT entry_id, space_id, node_id, parent_id, original_path, trashed_at, trashed_by
  FROM files.trash_entry
 WHERE tenant_id = :tenant AND entry_id > :entry_id ORDER BY entry_id LIMIT :limit;
