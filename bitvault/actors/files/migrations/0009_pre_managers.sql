-- Whoever explains access needs all managers of a space, and not all of its members.
CREATE INDEX member_manager ON files.member (tenant_id, space_id, user_id) WHERE role = 'manager';
