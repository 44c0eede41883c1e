"""A tenant to measure sharing in: deep trees, full folders and thousands of grants.

What would take as many calls is put in by one INSERT each, as those calls would leave it.
"""

import uuid

import asyncpg
from attrs import frozen

from bench.daemon import Daemon
from bench.rest import Connection, connections
from bitvault.drivers.postgres.embedded import prepare

PASSWORD = "correct horse battery"
_FILES = """
    INSERT INTO files.node (tenant_id, node_id, parent_id, kind, name, name_key, version, size,
                            hash, content_type, created_at, modified_at, modified_by)
    SELECT tenant_id, gen_random_uuid(), node_id, $3, to_char(n, 'FM0000000'),
           to_char(n, 'FM0000000'), v.version, v.size, v.hash, v.type, created_at, modified_at,
           modified_by
      FROM files.node, generate_series(1, $2::int) AS n,
           LATERAL (SELECT 1 AS version, 5 AS size, md5(n::text) AS hash, 'text/plain' AS type
                     WHERE $3 = 'file' UNION ALL SELECT NULL, NULL, NULL, NULL WHERE $3 <> 'file'
                   ) AS v
     WHERE node_id = $1
"""
_GRANTS = """
    INSERT INTO sharing.granted (tenant_id, node_id, grantee_id, grantee_kind, grant_id, role,
                                 rights, granted_by, granted_at)
    SELECT tenant_id, node_id, coalesce($3, gen_random_uuid()), 'user', gen_random_uuid(),
           'viewer', 1, modified_by, created_at
      FROM files.node, generate_series(1, $2::int) WHERE node_id = ANY($1::uuid[])
"""


@frozen
class Person:
    """Somebody with a session."""

    user_id: uuid.UUID
    worker: Connection


@frozen
class Company:
    """The daemon's tenant: ``owner`` is its admin; ``rows`` reaches the database past it."""

    daemon: Daemon
    owner: Connection
    rows: asyncpg.Connection

    async def hire(self, login: str) -> Person:
        """Make a user, and log them in."""
        body = {"login": login, "password": PASSWORD}
        made = await self.owner.json("POST", "/v1/users", body)
        session = await self.owner.json("POST", "/v1/sessions", body)
        (worker,) = await connections(self.daemon.url, session["token"], 1)
        return Person(uuid.UUID(made["id"]), worker)

    async def folder(self, path: str) -> uuid.UUID:
        """Make a folder, with its parents."""
        body = {"path": path, "parents": True}
        made = await self.owner.json("POST", "/v1/folders", body)
        return uuid.UUID(made["node"]["id"])

    async def full_folder(self, path: str, count: int, kind: str = "file") -> uuid.UUID:
        """Make a folder with as many files, or folders, in it."""
        folder = await self.folder(path)
        await self.rows.execute(_FILES, folder, count, kind)
        return folder

    async def share(self, node_id: uuid.UUID, person: Person, role: str = "viewer") -> None:
        """Share a node as its owner does."""
        at = f"/v1/files/{node_id}/grants/{person.user_id}"
        await self.owner.json("PUT", at, {"role": role})

    async def grant(
        self, nodes: list[uuid.UUID], count: int = 1, person: Person | None = None
    ) -> None:
        """Put grants on each of some nodes, for somebody or for as many strangers."""
        await self.rows.execute(_GRANTS, nodes, count, person and person.user_id)

    async def below(self, folder: uuid.UUID, count: int) -> list[uuid.UUID]:
        """Return some of what is in a folder."""
        sql = "SELECT node_id FROM files.node WHERE parent_id = $1 LIMIT $2"
        return [row["node_id"] for row in await self.rows.fetch(sql, folder, count)]

    async def settle(self) -> None:
        """Do what autovacuum would by and by."""
        await self.rows.execute("VACUUM ANALYZE files.node, sharing.granted")


async def found(daemon: Daemon) -> Company:
    """Reach a fresh daemon as its admin."""
    (owner,) = await connections(daemon.url, daemon.token, 1)
    return Company(daemon, owner, await asyncpg.connect(prepare(daemon.data / "postgres").dsn()))
