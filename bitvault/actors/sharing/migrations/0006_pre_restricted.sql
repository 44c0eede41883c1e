-- Who trashes a folder without managing it asks whether something restricted is below (ADR-0032).
CREATE INDEX granted_restricted ON sharing.granted (tenant_id, node_id)
 WHERE grantee_id = '00000000-0000-0000-0000-000000000000' AND (rights & 16384) <> 0;
