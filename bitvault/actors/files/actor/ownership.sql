-- personal_space --
SELECT space_id, root_id, revision FROM files.space
 WHERE tenant_id = :tenant AND owner_id = :owner_id AND kind = 'personal' FOR UPDATE;

-- names_taken --
SELECT name_key FROM files.space
 WHERE tenant_id = :tenant AND name_key = ANY(:name_keys::text[]) AND kind = 'team';

-- pass_on --
-- The one row in which a tree changes hands, whatever is in it.
UPDATE files.space
   SET kind = 'team', owner_id = NULL, name = :name, name_key = :name_key, revision = revision + 1
 WHERE tenant_id = :tenant AND space_id = :space_id;

-- own_quota --
-- A team's quota is its admins' to keep: no provider says anything of it any more.
UPDATE files.usage SET source = NULL WHERE tenant_id = :tenant AND holder_id = :space_id;

-- leave_spaces --
DELETE FROM files.member WHERE tenant_id = :tenant AND user_id = :owner_id;
