"""Contract values to wire shapes, and wire targets to contract targets."""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec.structs import asdict

from bitvault.actors.files import contract as files
from bitvault.actors.identity import contract as identity
from bitvault.actors.letters import contract as letters
from bitvault.actors.sharing import contract as sharing
from bitvault.edge.rejections import invalid
from bitvault.http.preconditions import etag, tagged
from bitvault.kernel.access import Right, role_of
from bitvault.kernel.ids import NodeId, SpaceId, UserId
from bitvault.wire import admin, groups, nodes, sessions, spaces, uploads
from bitvault.wire import sharing as shares

S = TypeVar("S", bound=msgspec.Struct)

_RIGHTS: Mapping[shares.RightWord, Right] = {
    "read": Right.READ,
    "add": Right.ADD,
    "change": Right.CHANGE,
    "share": Right.SHARE,
}


def show(shape: type[S], value: Any, **members: Any) -> S:
    """Build a wire shape from the fields of ``value`` that it has too, and what is given."""
    same = _same(shape, type(value))  # type: ignore[arg-type]  # mypy: a type has no hash
    return shape(**{name: getattr(value, name) for name in same if name not in members}, **members)


@cache
def _same(shape: type[msgspec.Struct], kind: Any) -> tuple[str, ...]:
    """Return the names that two have in common; a property counts as well as a field."""
    return tuple(name for name in shape.__struct_fields__ if hasattr(kind, name))


def node(value: files.Node) -> nodes.Node:
    """Show a node."""
    return show(nodes.Node, value, id=value.node_id, etag=etag(value.revision, value.path))


def written(value: files.Written) -> nodes.Written:
    """Show what a write did."""
    return show(
        nodes.Written,
        value,
        node=node(value.node),
        version=value.node.version,
        event_id=None if value.position is None else str(value.position),
    )


def version(value: files.Version) -> nodes.Version:
    """Show a version."""
    return show(nodes.Version, value)


def trash_entry(value: files.TrashEntry) -> nodes.TrashEntry:
    """Show an entry of the trash."""
    return show(nodes.TrashEntry, value, node=node(value.node))


def content(value: files.Content) -> nodes.Content:
    """Show where the bytes are."""
    return show(nodes.Content, value, id=value.node.node_id, headers=dict(value.headers))


def plan(value: files.UploadPlan) -> uploads.Plan:
    """Show a plan."""
    return show(uploads.Plan, value)


def transfer(value: files.TransferStep) -> uploads.Transfer:
    """Show a request to send to the store."""
    return show(uploads.Transfer, value, headers=dict(value.headers))


def opened(value: files.UploadOpened) -> uploads.UploadOpened:
    """Show an open upload; a single plan's URL stands at the top too."""
    steps = tuple(transfer(step) for step in value.transfers)
    url = steps[0].url if value.plan.kind == "single" and steps else None
    return show(uploads.UploadOpened, value, plan=plan(value.plan), transfers=steps, url=url)


def upload(value: files.UploadState) -> uploads.Upload:
    """Show how far an upload is."""
    parts = tuple(show(uploads.ReceivedPart, part) for part in value.parts)
    return show(uploads.Upload, value, plan=plan(value.plan), parts=parts)


def ended(value: files.UploadEnded) -> uploads.UploadEnded:
    """Show how an upload ended."""
    return show(uploads.UploadEnded, value)


def user(value: identity.User) -> sessions.User:
    """Show a user."""
    return show(sessions.User, value, id=value.user_id, tenant=value.tenant_name)


def group(value: identity.Group) -> groups.Group:
    """Show a group."""
    return show(groups.Group, value, id=value.group_id)


def credential_members(value: identity.Credential, current: UUID) -> dict[str, Any]:
    """Return the members of a session or token."""
    return {
        "id": value.credential_id,
        "kind": value.kind,
        "name": value.name,
        "prefix": value.prefix,
        "created_at": value.created_at,
        "expires_at": value.expires_at,
        "last_used_at": value.last_used_at,
        "address": value.address,
        "user_agent": value.user_agent,
        "scope": value.scope.name.lower(),
        "is_current": value.credential_id == current,
        "confined_to": value.confined_to,
    }


def opened_session(value: identity.SecretIssued) -> sessions.SessionOpened:
    """Show a new session with its token."""
    on = value.rotation
    return sessions.SessionOpened(
        token=value.token,
        expires_at=value.credential.expires_at if on is None else on.token_expires_at,
        refresh_token=None if on is None else on.refresh_token,
        session_expires_at=value.credential.expires_at,
        user=user(value.user),
    )


def space(value: files.Space) -> spaces.Space:
    """Show a space."""
    role = None if value.role is None else value.role.value
    shown = show(
        spaces.Space,
        value,
        id=value.space_id,
        role=role,
        is_default_quota=value.follows,
        etag="",
    )
    return tagged(value.revision, shown)


def member(value: files.Member, logins: Mapping[UserId, str]) -> spaces.Member:
    """Show a member of a space."""
    shown = show(
        spaces.Member, value, login=logins.get(value.user_id), role=value.role.value, etag=""
    )
    return tagged(value.role.value, shown)


def grantee(value: sharing.Grantee, names: Mapping[UUID, str]) -> shares.Grantee:
    """Show who was given something."""
    return shares.Grantee(
        id=value.grantee_id, kind=value.kind.value, name=names.get(value.grantee_id)
    )


def grant(value: sharing.Grant, names: Mapping[UUID, str]) -> shares.Grant:
    """Show a grant."""
    who = grantee(value.grantee, names)
    shown = show(shares.Grant, value, grantee=who, role=value.role.value, etag="")
    return tagged(value.revision, shown)


def holder(value: sharing.Holder, names: Mapping[UUID, str]) -> shares.Holder:
    """Show who has access, and by what."""
    reasons = [
        show(shares.Reason, one, source=one.source.value, role=one.role.value)
        for one in value.reasons
    ]
    who = grantee(value.grantee, names)
    return shares.Holder(
        grantee=who, role=value.role.value, rights=rights(value.rights), reasons=reasons
    )


def role(value: Right) -> shares.Role | None:
    """Name the strongest role that is in some rights."""
    found = role_of(value)
    return found.value if found else None


def rights(value: Right) -> list[shares.RightWord]:
    """Name rights."""
    return [word for word, right in _RIGHTS.items() if right in value]


def preview(value: sharing.Preview, names: Mapping[UUID, str]) -> shares.AccessPreview:
    """Show what would come of a change."""
    shifts = [
        shares.Shift(
            grantee=grantee(one.grantee, names),
            before=role(one.before),
            after=role(one.after),
            gains=rights(one.gains),
            losses=rights(one.losses),
        )
        for one in value.shifts
    ]
    return show(
        shares.AccessPreview, value, shifts=shifts, more=value.is_more, partial=value.is_partial
    )


def link(value: sharing.Link, leads_to: files.Node | None) -> shares.Link:
    """Show a link, and what it leads to if the caller may see that."""
    request = None
    if value.request:
        request = show(shares.RequestState, value.request, files=value.files, bytes=value.bytes)
    shown = show(
        shares.Link,
        value,
        id=value.link_id,
        role=value.role.value,
        revoked=value.is_revoked,
        state=value.state.value,
        node=node(leads_to) if leads_to else None,
        request=request,
        etag="",
    )
    return tagged(value.revision, shown)


def issued(value: sharing.LinkIssued, leads_to: files.Node | None) -> shares.LinkCreated:
    """Show a new link with its token."""
    shown = asdict(link(value.link, leads_to))
    return shares.LinkCreated(token=value.token, page=f"/s#{value.token}", **shown)


def dead_letter(value: letters.DeadLetter) -> admin.DeadLetter:
    """Show a dead letter."""
    return show(admin.DeadLetter, value)


def replayed(value: letters.Replay) -> admin.Replayed:
    """Show what a replay did."""
    failing = tuple(show(admin.StillFailing, one) for one in value.failing)
    return show(admin.Replayed, value, failing=failing)


def target(
    node_id: UUID | None, path: str | None, space_id: UUID | None, field: str = "path"
) -> files.Target:
    """Read the id or path a node is addressed by.

    Raises:
        Rejected: Neither or both are given.
    """
    if (node_id is None) == (path is None):
        raise invalid(field, "give either the id or the path")
    return files.Target(
        node_id=None if node_id is None else NodeId(node_id),
        path=path,
        space_id=None if space_id is None else SpaceId(space_id),
    )


def at(node_id: UUID) -> files.Target:
    """Address a node by id."""
    return files.Target(node_id=NodeId(node_id))


def parent(body: Any, *, required: bool = False) -> files.Target | None:
    """Read ``parentId`` or ``parentPath``; None if neither is given and that is allowed."""
    if body.parent_id is None and body.parent_path is None and not required:
        return None
    return target(body.parent_id, body.parent_path, None, "parentPath")


def place(body: Any) -> dict[str, Any]:
    """Read where something new goes: by ``path``, or by ``parentId`` and ``name``."""
    by_name = body.parent_id is not None and body.name is not None
    if body.path is not None and body.parent_id is None and body.name is None:
        return {"target": target(None, body.path, body.space_id)}
    if by_name and body.path is None:
        return {"parent": at(body.parent_id), "name": body.name}
    raise invalid("path", "give either path, or parentId and name")
