-- insert --
INSERT INTO toy.toy (tenant_id, toy_id, name) VALUES (:tenant_id, :toy_id, :name);

-- note --
UPDATE toy.toy SET is_told = true WHERE tenant_id = :tenant_id AND toy_id = :toy_id;

-- told, across tenants --
SELECT tenant_id, toy_id FROM toy.toy WHERE is_told AND NOT is_broken LIMIT :limit;

-- break --
UPDATE toy.toy SET is_broken = true WHERE tenant_id = :tenant_id AND toy_id = :toy_id;

-- list --
SELECT toy_id, name, is_told, is_broken FROM toy.toy
WHERE tenant_id = :tenant AND toy_id > :toy_id ORDER BY toy_id LIMIT :limit;
