"""``Client``: one method per thing BitVault can do; bytes travel by ``uploads``/``downloads``."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import quote

from attrs import evolve

from bitvault.client.bearers import Bearer, Fixed, Rotating
from bitvault.client.errors import BitVaultError, Problem, WrongAnswer
from bitvault.client.logins import LoginStore
from bitvault.client.objects import ObjectStore
from bitvault.client.retry import RetryPolicy
from bitvault.client.shapes import (
    Begun,
    Content,
    Id,
    Item,
    Items,
    Listing,
    Node,
    Session,
    Transfer,
    Transfers,
    Upload,
    UploadEnded,
    Version,
    Written,
)
from bitvault.client.transport import Transport
from bitvault.client.trust import trusting
from bitvault.wire.sessions import SessionRefreshed, User
from bitvault.wire.sharing import Grant, LinkCreated

T = TypeVar("T")
_PROMPT = 3.0
"""Seconds: an answer that was lost can be had again for ten."""
_PARTING = 3.0
"""Seconds for giving up an upload: somebody waits for the end."""
_PARTING_OF_MANY = 5.0
_ABORTS = "/v1/files/aborts"
GONE = frozenset({"upload_not_found", "upload_closed"})
"""What is answered of an upload that holds no room, or no more."""
Json = dict[str, Any]


class Client:
    """A logged-in user of one server. Synchronous, and safe to share between threads.

    ``login`` is a token, or where a login is kept (``LoginMemory``, ``LoginFile``), which then is
    refreshed in time. ``ca_file`` (PEM) is trusted besides the system's certificates.

    Paths are ``/a/b`` in the personal space, or ``Space:/a/b``.
    """

    def __init__(
        self,
        server: str,
        login: str | LoginStore | None = None,
        *,
        policy: RetryPolicy | None = None,
        ca_file: str | Path | None = None,
    ) -> None:
        bearer = _bearer(server, login, policy, ca_file)
        self.rest = Transport(server, bearer, policy=policy, ca_file=ca_file)
        self.store = ObjectStore(trust=lambda: trusting(ca_file))

    @property
    def policy(self) -> RetryPolicy:
        """How requests are retried now."""
        return self.rest.policy

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self.rest.close()
        self.store.close()

    def login(
        self, login: str, password: str, tenant: str = "default", *, refreshable: bool = False
    ) -> Session:
        """Open a session; use its token for a new ``Client``.

        One that is ``refreshable`` is for ``LoginMemory(opened(server, session))``.
        """
        body = {"tenant": tenant, "login": login, "password": password, "refreshable": refreshable}
        return self.rest.call("POST", "/v1/sessions", Session, body=body)

    def logout(self) -> None:
        """End the session this token belongs to."""
        self.rest.raw("DELETE", "/v1/sessions/current")

    def me(self) -> Json:
        """Describe the user."""
        return self.rest.call("GET", "/v1/me", Json)

    def listed(self, path: str, shape: type[T], **params: Any) -> Iterator[T]:
        """Yield every item of a list, page by page."""
        cursor: str | None = None
        while True:
            query = {"limit": 1000, **params, "cursor": cursor}
            page = self.rest.call("GET", path, Listing[shape], params=query)  # type: ignore[valid-type]
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return

    def node(self, path: str) -> Node:
        """Describe the node at a path."""
        return self.rest.call("GET", "/v1/files", Node, params={"path": path})

    def children(self, folder_id: Id) -> Iterator[Node]:
        """List a folder by name."""
        return self.listed(at("/v1/folders/{}/children", folder_id), Node)

    def versions(self, node: Node) -> Iterator[Version]:
        """List the versions of a file, newest first."""
        return self.listed(at("/v1/files/{}/versions", node.id), Version)

    def make_folder(self, path: str, *, parents: bool = False, exist_ok: bool = False) -> Written:
        """Create a folder."""
        body = {"path": path, "parents": parents, "existOk": exist_ok}
        return self.rest.call("POST", "/v1/folders", Written, body=body)

    def batch(self, operations: Sequence[Mapping[str, Any]]) -> list[Written | Problem]:
        """Apply up to 1000 operations in one transaction; each has its own answer."""
        return self._each("/v1/batch", operations, Written, "operations")

    def move(self, node: Node, **changes: Any) -> Written:
        """Rename or move: ``parentPath`` or ``parentId``, ``name``, ``ifExists``."""
        headers = {"If-Match": node.etag} if node.etag else {}
        path = at("/v1/files/{}", node.id)
        return self.rest.call("PATCH", path, Written, body=changes, headers=headers)

    def copy(self, node: Node, **where: Any) -> Written:
        """Copy without moving bytes: ``parentPath`` or ``parentId``, ``name``, ``ifExists``."""
        return self.rest.call("POST", at("/v1/files/{}/copy", node.id), Written, body=where)

    def trash(self, node: Node, *, dry_run: bool = False) -> Written:
        """Put a node in the trash; ``entry_id`` of the answer brings it back."""
        wanted = {"dryRun": "true"} if dry_run else {}
        return self.rest.call("DELETE", at("/v1/files/{}", node.id), Written, params=wanted)

    def restore(self, entry_id: Id, **where: Any) -> Written:
        """Bring a trash entry back."""
        return self.rest.call("POST", at("/v1/trash/{}/restore", entry_id), Written, body=where)

    def restore_version(self, node: Node, version: int) -> Written:
        """Make an old version's content current again."""
        path = at("/v1/files/{}/versions/{}/restore", node.id, version)
        return self.rest.call("POST", path, Written, body={})

    def users(self, login: str | None = None) -> Iterator[User]:
        """List the users of the tenant, or the one of a login."""
        return self.listed("/v1/users", User, login=login)

    def share(self, node: Node, grantee_id: Id, role: str) -> Grant:
        """Give a user or a group a role on a file or folder: ``viewer``, ``editor``, ..."""
        path = at("/v1/files/{}/grants/{}", node.id, grantee_id)
        return self.rest.call("PUT", path, Grant, body={"role": role})

    def make_link(self, node: Node, **what: Any) -> LinkCreated:
        """Make a link for people who are no users: ``role``, ``password``, ``expiresAt``, ...

        Its address is the server's with ``page`` behind it, and is told this once.
        """
        path = at("/v1/files/{}/links", node.id)
        return self.rest.call("POST", path, LinkCreated, body=what)

    def content(self, node_id: Id, version: int | None = None) -> Content:
        """Presign the download of one version."""
        params = {"version": version}
        return self.rest.call("GET", at("/v1/files/{}/content", node_id), Content, params=params)

    def contents(self, node_ids: Sequence[Id]) -> list[Content | Problem]:
        """Presign up to 1000 downloads."""
        return self._each("/v1/files/content", [{"id": one} for one in node_ids], Content)

    def begin(self, draft: Mapping[str, Any]) -> Begun:
        """Open an upload (or learn that the bytes are there already)."""
        return self.rest.call("POST", "/v1/files", Begun, body=draft)

    def begin_all(self, drafts: Sequence[Mapping[str, Any]]) -> list[Begun | Problem]:
        """Open up to 1000 uploads."""
        return self._each("/v1/files/batch", drafts, Begun)

    def commit(self, upload_id: Id, claim: Mapping[str, Any]) -> Written:
        """Commit an upload; a repeat gives the same answer."""
        return self.rest.call("POST", at("/v1/files/{}/commit", upload_id), Written, body=claim)

    def commit_all(self, claims: Sequence[Mapping[str, Any]]) -> list[Written | Problem]:
        """Commit up to 1000 uploads in one transaction."""
        return self._each("/v1/files/commits", claims, Written)

    def upload(self, upload_id: Id) -> Upload:
        """Say how far an upload is; the received parts come from the store."""
        return self.rest.call("GET", at("/v1/files/uploads/{}", upload_id), Upload)

    def abort(self, upload_id: Id) -> None:
        """Give an upload up."""
        self.rest.raw("DELETE", at("/v1/files/uploads/{}", upload_id))

    def abort_all(self, upload_ids: Sequence[Id]) -> list[UploadEnded | Problem]:
        """Give up to 1000 uploads up; those that were over before say how they ended."""
        return self._each(_ABORTS, [{"uploadId": one} for one in upload_ids], UploadEnded)

    def give_up(self, upload_id: Id) -> bool:
        """Free the room of an upload that can't be of use any more; say whether it is over.

        One that stays is no failure of its own: it ends by itself, and holds nothing but room. One
        that was committed, though the answer was lost, stays as it is.
        """
        path = at("/v1/files/uploads/{}", upload_id)
        try:
            self._parting.run(lambda: self.rest.once("DELETE", path, _PARTING))
        except BitVaultError as error:
            return error.code in GONE
        return True

    def give_up_all(self, upload_ids: Sequence[str]) -> list[str]:
        """Do so with up to 1000 in one request; return those that are over."""
        if len(upload_ids) == 1:
            return [one for one in upload_ids if self.give_up(one)]
        body = {"items": [{"uploadId": one} for one in upload_ids]}
        try:
            raw = self._parting.run(lambda: self.rest.once("POST", _ABORTS, _PARTING_OF_MANY, body))
            items = self._answers(self.rest.read(raw, Items), len(upload_ids))
        except BitVaultError:
            return []
        return [one for one, item in zip(upload_ids, items, strict=True) if _is_over(item)]

    def _each(
        self, path: str, asked: Sequence[Mapping[str, Any]], shape: type[T], member: str = "items"
    ) -> list[T | Problem]:
        """Ask for several things at once; a refusal is a value here, the others went on.

        Raises:
            WrongAnswer: not each has an answer of the shape that was promised.
        """
        answer = self.rest.call("POST", path, Items, body={member: asked})
        return [
            Problem(one.status, one.problem) if one.problem else self.rest.read(one.result, shape)
            for one in self._answers(answer, len(asked))
        ]

    def _answers(self, answer: Items, asked: int) -> list[Item]:
        if len(answer.items) != asked:
            what = f"{len(answer.items)} answers where {asked} were asked for"
            raise WrongAnswer(self.rest.server, what)
        return answer.items

    @property
    def _parting(self) -> RetryPolicy:
        return evolve(self.policy, attempts=2, cap=0.5, longest=1.0, patience=1.0)

    def sign_parts(self, upload_id: Id, parts: Sequence[Mapping[str, Any]]) -> Sequence[Transfer]:
        """Presign parts of a multipart upload."""
        path = at("/v1/files/uploads/{}/parts", upload_id)
        signed = self.rest.call("POST", path, Transfers, body={"parts": parts}).transfers
        if {one.part_number for one in signed} != {one["partNumber"] for one in parts}:
            raise WrongAnswer(self.rest.server, "other parts than were asked for")
        return signed

    def sign_again(self, upload_id: Id) -> Transfer:
        """Presign the single PUT again."""
        path = at("/v1/files/uploads/{}/url", upload_id)
        return self.only(self.rest.call("POST", path, Transfers).transfers)

    def only(self, transfers: Sequence[Transfer]) -> Transfer:
        """Return the one request that an upload is sent with.

        Raises:
            WrongAnswer: there is none, or there are several.
        """
        if len(transfers) != 1:
            raise WrongAnswer(self.rest.server, f"{len(transfers)} requests to send one file with")
        return transfers[0]


def _bearer(
    server: str,
    login: str | LoginStore | None,
    policy: RetryPolicy | None,
    ca_file: str | Path | None,
) -> Bearer:
    if login is None or isinstance(login, str):
        return Fixed(login)
    return Rotating(server, login, _refresher(server, policy, ca_file))


def _refresher(
    server: str, policy: RetryPolicy | None, ca_file: str | Path | None
) -> Callable[[str], SessionRefreshed]:
    """Return what goes on with a session; soon again when no answer comes, as that is no reuse."""

    def refresh(refresh_token: str) -> SessionRefreshed:
        rest = Transport(server, timeout=_PROMPT, policy=policy, ca_file=ca_file)
        body = {"refreshToken": refresh_token}
        try:
            return rest.call("POST", "/v1/sessions/refresh", SessionRefreshed, body=body)
        finally:
            rest.close()

    return refresh


def at(template: str, *ids: Id | int) -> str:
    """Fill ids into the path of a URL, so that none can be more than one segment of it."""
    return template.format(*(quote(str(one), safe="").replace(".", "%2E") for one in ids))


def _is_over(item: Item) -> bool:
    return item.problem is None or Problem(item.status, item.problem).code in GONE
