-- Row-level security: the second wall between tenants (ADR-0015). Run after every migration; a table
-- with a tenant_id gets its wall here, so none can be forgotten, and one that has it is left alone.

-- The tenant of this transaction or session. Raises when there is none: PostgreSQL gives '' back for
-- a setting that was set and undone, and a policy that compares with it hides every row in silence.
CREATE OR REPLACE FUNCTION bitvault.tenant() RETURNS uuid
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    tenant text := current_setting('bitvault.tenant', true);
BEGIN
    IF coalesce(tenant, '') = '' THEN
        RAISE EXCEPTION 'no tenant is set' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN tenant;
END
$$;

-- bitvault_app does the work of one tenant at a time; bitvault_system looks across tenants (who
-- has work waiting, whose token is this) and can write nothing. Neither owns a table.
-- Before PostgreSQL 16 a member may take a role; since then that is granted apart from membership.
DO $$
DECLARE
    taking text := CASE WHEN current_setting('server_version_num')::integer < 160000 THEN 'MEMBER' ELSE 'SET' END;
BEGIN
    IF to_regrole('bitvault_system') IS NULL THEN
        CREATE ROLE bitvault_system NOLOGIN;
    END IF;
    IF to_regrole('bitvault_app') IS NULL THEN
        CREATE ROLE bitvault_app LOGIN NOINHERIT;
        GRANT bitvault_system TO bitvault_app;
    END IF;
    IF NOT pg_has_role('bitvault_app', taking) THEN
        EXECUTE format('GRANT bitvault_app TO %I', current_user);
    END IF;
    IF NOT pg_has_role('bitvault_system', taking) THEN
        EXECUTE format('GRANT bitvault_system TO %I', current_user);
    END IF;
END
$$;

GRANT USAGE ON SCHEMA bitvault TO bitvault_app, bitvault_system;

DO $$
DECLARE
    bare record;
BEGIN
    FOR bare IN
        SELECT c.oid::regclass AS name, c.relnamespace::regnamespace AS schema
          FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
         WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
           AND NOT (c.relrowsecurity AND c.relforcerowsecurity
                    AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant'))
    LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %s TO bitvault_app, bitvault_system', bare.schema);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO bitvault_app', bare.name);
        EXECUTE format('GRANT SELECT ON %s TO bitvault_system', bare.name);
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', bare.name);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', bare.name);
        -- In a sub-select, so that it is asked once for a statement and not for each row.
        EXECUTE format(
            'CREATE POLICY tenant ON %s TO bitvault_app, CURRENT_USER'
            ' USING (tenant_id = (SELECT bitvault.tenant()))'
            ' WITH CHECK (tenant_id = (SELECT bitvault.tenant()))', bare.name);
        EXECUTE format(
            'CREATE POLICY across ON %s FOR SELECT TO bitvault_system USING (true)', bare.name);
    END LOOP;
END
$$;

-- Deletes up to ``most`` rows of this tenant from the tables of one schema, all but those ``kept``, and
-- says how many: whoever refers goes before what it refers to. A table with a tenant_id is among them
-- as soon as there is one, so that none can be forgotten when a tenant leaves (ADR-0025).
CREATE OR REPLACE FUNCTION bitvault.erase(erased text, kept text[], most integer) RETURNS integer
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    whose uuid := bitvault.tenant();
    one record;
    gone integer;
    total integer := 0;
BEGIN
    FOR one IN
        WITH RECURSIVE referring AS (
            SELECT c.oid, 0 AS depth FROM pg_class c
             WHERE c.relnamespace = erased::regnamespace AND c.relkind IN ('r', 'p')
            UNION
            SELECT k.conrelid, r.depth + 1 FROM referring r
              JOIN pg_constraint k ON k.confrelid = r.oid AND k.contype = 'f' AND k.conrelid <> r.oid
             WHERE r.depth < 16
        )
        SELECT c.oid::regclass AS name FROM referring r
          JOIN pg_class c ON c.oid = r.oid
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
         WHERE c.relname <> ALL(kept)
         GROUP BY c.oid ORDER BY max(r.depth) DESC, c.relname
    LOOP
        EXECUTE format(
            'DELETE FROM %1$s WHERE ctid = ANY(ARRAY('
            'SELECT ctid FROM %1$s WHERE tenant_id = $1 LIMIT $2))', one.name)
          USING whose, most - total;
        GET DIAGNOSTICS gone = ROW_COUNT;
        total := total + gone;
        EXIT WHEN total >= most;
    END LOOP;
    RETURN total;
END
$$;
