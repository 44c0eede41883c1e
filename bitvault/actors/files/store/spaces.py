"""Making and changing spaces."""

from uuid import UUID

from attrs import frozen

from bitvault.actors.files.contract import LastManager, NodeCreated, Role, Space, SpaceNotEmpty
from bitvault.actors.files.rules.access import role_in
from bitvault.actors.files.rules.names import name_key
from bitvault.actors.files.store.contents import Stamp
from bitvault.actors.files.store.templates import plant
from bitvault.actors.files.store.written import Appender
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.ids import Ids, NodeId, SpaceId, UserId
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Refused

SQL = load_queries("bitvault.actors.files.store", "spaces.sql")


@frozen
class NewSpace:
    """A space about to be made; ``owner_id`` for a personal one.

    Without a quota of its own it follows its tenant, whose quotas are for a tenant's first space.
    """

    kind: str
    name: str
    owner_id: UUID | None
    quota: int | None
    tenant_quota: int | None
    space_quota: int | None


async def ensure_personal(
    tx: Transaction,
    stamp: Stamp,
    ids: Ids,
    quotas: tuple[int | None, int | None],
    append: Appender,
) -> None:
    """Make the caller's personal space unless it is there; concurrent calls make one."""
    user = stamp.caller.principal
    new = NewSpace("personal", user.login, user.user_id, None, *quotas)
    await make_space(tx, stamp, ids, new, append)


async def make_space(
    tx: Transaction, stamp: Stamp, ids: Ids, new: NewSpace, append: Appender
) -> UUID | None:
    """Insert a space with its root, members and quota rows; None when it is there already.

    It starts with its kind's template.
    """
    if new.owner_id is None:
        await hold_names(tx, stamp.caller)
    space_id, root_id = ids.uuid7(), ids.uuid7()
    named = {"tenant": stamp.tenant, "name": new.name, "name_key": name_key(new.name)}
    row = await tx.fetchrow(
        SQL["insert_space"],
        **named,
        space_id=space_id,
        kind=new.kind,
        owner_id=new.owner_id,
        root_id=root_id,
        now=stamp.now,
    )
    if row is None:
        return None
    user_id = stamp.caller.principal.user_id
    await tx.execute(
        SQL["insert_root"],
        **named,
        root_id=root_id,
        space_id=space_id,
        now=stamp.now,
        user_id=user_id,
    )
    await tx.execute(
        SQL["insert_usage"],
        tenant=stamp.tenant,
        holders=[stamp.tenant, space_id],
        quotas=[new.tenant_quota, new.quota],
        follows=[False, new.quota is None],
        space_quotas=[new.space_quota, None],
    )
    if new.owner_id is None:
        await put_member(tx, stamp.caller, space_id, user_id, Role.MANAGER)
    planted = await plant(tx, stamp, ids, new.kind, space_id, root_id)
    made = NodeCreated(
        root_id, 1, space_id, None, new.name, None, new.kind, new.owner_id or user_id
    )
    await append(tx, [made, *planted])
    return space_id


async def hold_names(tx: Transaction, caller: Caller) -> None:
    """Keep others from naming a team space of the tenant until the end."""
    await tx.fetch(SQL["names_lock"], tenant=caller.tenant_id)


async def put_member(
    tx: Transaction, caller: Caller, space_id: UUID, user_id: UUID, role: Role
) -> str | None:
    """Give a user a role; return the one they had."""
    row = await tx.fetchrow(
        SQL["put_member"],
        tenant=caller.tenant_id,
        space_id=space_id,
        user_id=user_id,
        role=role.value,
    )
    return row["previous"] if row else None


async def put_quota(
    tx: Transaction,
    caller: Caller,
    space_id: UUID,
    quota: int | None,
    *,
    follows: bool,
    source: str | None = None,
) -> None:
    """Say how much a space may hold; None is without limit, unless it ``follows`` its tenant.

    ``source`` is the identity provider that says so; None: an admin does.
    """
    await tx.execute(
        SQL["update_quota"],
        tenant=caller.tenant_id,
        space_id=space_id,
        quota=quota,
        follows=follows,
        source=source,
    )


def role_of(row: Row, caller: Caller) -> Role | None:
    """Return the caller's role in a space row; who is confined to a node is in none."""
    if caller.principal.confined_to:
        return None
    owns = row["owner_id"] == caller.principal.user_id
    return role_in(row["kind"], owns=owns, member_role=row["member_role"])


async def keep_manager(tx: Transaction, caller: Caller, space_id: UUID, user_id: UUID) -> None:
    """Refuse when a space, which is locked, would have no manager without this user.

    One that has none, because its managers were deleted, is left as it is.
    """
    row = await tx.fetchrow(
        SQL["managers"], tenant=caller.tenant_id, space_id=space_id, user_id=user_id
    )
    if row and row["is_one"] and not row["others"]:
        raise Refused(LastManager())


async def members_after(
    tx: Transaction, caller: Caller, space_id: UUID, after: UUID, limit: int
) -> list[tuple[UserId, Role]]:
    """Return who is in a team space, and as what: one page by user id."""
    rows = await tx.fetch(
        SQL["members"], tenant=caller.tenant_id, space_id=space_id, after=after, limit=limit
    )
    return [(UserId(row["user_id"]), Role(row["role"])) for row in rows]


async def managers_of(tx: Transaction, caller: Caller, space_id: UUID) -> tuple[UserId, ...]:
    """Return all who manage a team space."""
    rows = await tx.fetch(SQL["managers_of"], tenant=caller.tenant_id, space_id=space_id)
    return tuple(UserId(row["user_id"]) for row in rows)


async def drop_space(tx: Transaction, caller: Caller, row: Row) -> None:
    """Delete a space that is locked, as the tree is, if nothing is in it."""
    space = {"tenant": caller.tenant_id, "space_id": row["space_id"]}
    root = {"tenant": caller.tenant_id, "root_id": row["root_id"]}
    held = await tx.fetchrow(SQL["holds"], **root)
    if row["used"] or row["reserved"] or held is None or held["anything"]:
        raise Refused(SpaceNotEmpty())
    await tx.execute(SQL["drop_members"], **space)
    await tx.execute(SQL["drop_usage"], **space)
    await tx.execute(SQL["drop_root"], **root)
    await tx.execute(SQL["drop_space"], **space)


def space_of(row: Row, role: Role | None) -> Space:
    """Build the contract's space from a row."""
    return Space(
        space_id=SpaceId(row["space_id"]),
        kind=row["kind"],
        name=row["name"],
        root_id=NodeId(row["root_id"]),
        role=role,
        quota=row["quota"],
        follows=row["follows"],
        used=row["used"],
        reserved=row["reserved"],
        revision=row["revision"],
        created_at=row["created_at"],
    )
