"""Contract values to wire shapes, and wire targets to contract targets."""

from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

import attrs
from msgspec.structs import asdict

from bitvault.actors.files import contract as files
from bitvault.actors.identity import contract as identity
from bitvault.actors.letters import contract as letters
from bitvault.actors.sharing import contract as sharing
from bitvault.http.preconditions import etag, tagged
from bitvault.http.problems import invalid
from bitvault.kernel.access import Right, role_of
from bitvault.kernel.ids import NodeId, SpaceId, UserId
from bitvault.wire import admin, groups, nodes, sessions, spaces, uploads
from bitvault.wire import sharing as shares

T = TypeVar("T")

_RIGHTS: Mapping[shares.RightWord, Right] = {
    "read": Right.READ,
    "add": Right.ADD,
    "change": Right.CHANGE,
    "share": Right.SHARE,
}


def node(value: files.Node) -> nodes.Node:
    """Show a node."""
    return nodes.Node(
        id=value.node_id,
        kind=value.kind,  # type: ignore[arg-type]  # the contract documents the two words
        space_id=value.space_id,
        parent_id=value.parent_id,
        name=value.name,
        path=value.path,
        size=value.size,
        hash=value.hash,
        version=value.version,
        etag=etag(value.revision, value.path),
        content_type=value.content_type,
        content_modified_at=value.content_modified_at,
        created_at=value.created_at,
        modified_at=value.modified_at,
        modified_by=value.modified_by,
        portable=value.portable,
    )


def written(value: files.Written) -> nodes.Written:
    """Show what a write did."""
    return nodes.Written(
        node=node(value.node),
        version=value.node.version,
        event_id=None if value.position is None else str(value.position),
        entry_id=value.entry_id,
    )


def version(value: files.Version) -> nodes.Version:
    """Show a version."""
    return nodes.Version(
        version=value.version,
        size=value.size,
        hash=value.hash,
        content_type=value.content_type,
        content_modified_at=value.content_modified_at,
        created_at=value.created_at,
        created_by=value.created_by,
        is_current=value.is_current,
    )


def trash_entry(value: files.TrashEntry) -> nodes.TrashEntry:
    """Show an entry of the trash."""
    return nodes.TrashEntry(
        entry_id=value.entry_id,
        node=node(value.node),
        original_path=value.original_path,
        trashed_at=value.trashed_at,
        trashed_by=value.trashed_by,
    )


def content(value: files.Content) -> nodes.Content:
    """Show where the bytes are."""
    return nodes.Content(
        id=value.node.node_id,
        version=value.version,
        size=value.size,
        hash=value.hash,
        method=value.method,
        url=value.url,
        headers=dict(value.headers),
        expires_at=value.expires_at,
    )


def plan(value: files.UploadPlan) -> uploads.Plan:
    """Show a plan."""
    return uploads.Plan(
        kind=value.kind,  # type: ignore[arg-type]  # the contract documents the two words
        part_size=value.part_size,
        part_count=value.part_count,
    )


def transfer(value: files.TransferStep) -> uploads.Transfer:
    """Show a request to send to the store."""
    return uploads.Transfer(
        method=value.method,
        url=value.url,
        headers=dict(value.headers),
        expires_at=value.expires_at,
        part_number=value.part_number,
    )


def opened(value: files.UploadOpened) -> uploads.UploadOpened:
    """Show an open upload; a single plan's URL stands at the top too."""
    steps = tuple(transfer(step) for step in value.transfers)
    return uploads.UploadOpened(
        upload_id=value.upload_id,
        plan=plan(value.plan),
        transfers=steps,
        expires_at=value.expires_at,
        url=steps[0].url if value.plan.kind == "single" and steps else None,
    )


def upload(value: files.UploadState) -> uploads.Upload:
    """Show how far an upload is."""
    return uploads.Upload(
        upload_id=value.upload_id,
        state=value.state,  # type: ignore[arg-type]  # the contract documents the four words
        space_id=value.space_id,
        path=value.path,
        size=value.size,
        hash=value.hash,
        plan=plan(value.plan),
        created_at=value.created_at,
        expires_at=value.expires_at,
        received=value.received,
        parts=tuple(
            uploads.ReceivedPart(
                part_number=part.part_number, size=part.size, etag=part.etag, hash=part.hash
            )
            for part in value.parts
        ),
    )


def ended(value: files.UploadEnded) -> uploads.UploadEnded:
    """Show how an upload ended."""
    return uploads.UploadEnded(
        upload_id=value.upload_id,
        state=value.state,  # type: ignore[arg-type]  # the contract documents the two words
    )


def user(value: identity.User) -> sessions.User:
    """Show a user."""
    return sessions.User(
        id=value.user_id,
        tenant_id=value.tenant_id,
        tenant=value.tenant_name,
        login=value.login,
        display_name=value.display_name,
        kind=value.kind,  # type: ignore[arg-type]  # the contract documents the two words
        is_admin=value.is_admin,
        is_operator=value.is_operator,
        is_disabled=value.is_disabled,
        created_at=value.created_at,
    )


def group(value: identity.Group) -> groups.Group:
    """Show a group."""
    return groups.Group(id=value.group_id, name=value.name, created_at=value.created_at)


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
    shown = spaces.Space(
        id=value.space_id,
        kind=value.kind,  # type: ignore[arg-type]  # the contract documents the two words
        name=value.name,
        root_id=value.root_id,
        role=None if value.role is None else value.role.value,  # type: ignore[arg-type]  # no member is an uploader
        quota=value.quota,
        is_default_quota=value.follows,
        used=value.used,
        reserved=value.reserved,
        etag="",
        created_at=value.created_at,
    )
    return tagged(value.revision, shown)


def member(value: files.Member, logins: Mapping[UserId, str]) -> spaces.Member:
    """Show a member of a space."""
    login = logins.get(value.user_id)
    role: Any = value.role.value
    shown = spaces.Member(user_id=value.user_id, login=login, role=role, etag="")
    return tagged(value.role.value, shown)


def grantee(value: sharing.Grantee, names: Mapping[UUID, str]) -> shares.Grantee:
    """Show who was given something."""
    return shares.Grantee(
        id=value.grantee_id, kind=value.kind.value, name=names.get(value.grantee_id)
    )


def grant(value: sharing.Grant, names: Mapping[UUID, str]) -> shares.Grant:
    """Show a grant."""
    shown = shares.Grant(
        node_id=value.node_id,
        grantee=grantee(value.grantee, names),
        role=value.role.value,
        etag="",
        granted_by=value.granted_by,
        granted_at=value.granted_at,
    )
    return tagged(value.revision, shown)


def holder(value: sharing.Holder, names: Mapping[UUID, str]) -> shares.Holder:
    """Show who has access, and by what."""
    reasons = [
        shares.Reason(
            source=one.source.value, role=one.role.value, node_id=one.node_id, path=one.path
        )
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
    return shares.AccessPreview(
        shifts=shifts,
        gains=value.gains,
        losses=value.losses,
        nodes=value.nodes,
        size=value.size,
        more=value.is_more,
        partial=value.is_partial,
    )


def link(value: sharing.Link, leads_to: files.Node | None) -> shares.Link:
    """Show a link, and what it leads to if the caller may see that."""
    same = ("node_id", "label", "has_password", "expires_at", "max_downloads", "downloads")
    request = None
    if value.request:
        asked = attrs.asdict(value.request)
        request = shares.RequestState(**asked, files=value.files, bytes=value.bytes)
    shown = shares.Link(
        id=value.link_id,
        role=value.role.value,  # type: ignore[arg-type]  # no link is a manager
        revoked=value.is_revoked,
        state=value.state.value,
        node=node(leads_to) if leads_to else None,
        request=request,
        etag="",
        **{name: getattr(value, name) for name in (*same, "created_by", "created_at")},
    )
    return tagged(value.revision, shown)


def issued(value: sharing.LinkIssued, leads_to: files.Node | None) -> shares.LinkCreated:
    """Show a new link with its token."""
    shown = asdict(link(value.link, leads_to))
    return shares.LinkCreated(token=value.token, page=f"/s#{value.token}", **shown)


def dead_letter(value: letters.DeadLetter) -> admin.DeadLetter:
    """Show a dead letter."""
    return admin.DeadLetter(**attrs.asdict(value))


def replayed(value: letters.Replay) -> admin.Replayed:
    """Show what a replay did."""
    failing = tuple(admin.StillFailing(**attrs.asdict(one)) for one in value.failing)
    return admin.Replayed(applied=value.applied, failing=failing, next_cursor=value.next_cursor)


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
