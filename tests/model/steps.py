"""What a run does, as Hypothesis draws it: few names with many twins, so that things collide.

A run does not know beforehand what it will find, so small numbers stand for that: node 3 is the
third node that was heard of, revision ``CURRENT`` the one it will have then. ``run.py`` puts in
what is meant.
"""

from typing import Any
from uuid import UUID

from attrs import frozen
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from bitvault.actors.files import contract as c

ACUTE, TWIN = "\u00e9", "e\u0301"
NAMES = ("a", "A", ACUTE, TWIN, "b.txt", "B.TXT", "\u00df", "ss", "v1.0 final", "a (2)")
FOLDERS = ("", "", "/a", "/A", f"/a/{ACUTE}", f"/A/{TWIN}", f"/{ACUTE}", "/a/ss/a")
TEXTS = ("", "one", "seven b", "twelve bytes", "twenty-four bytes, a lot")
CURRENT, STALE = -1, -2
TEAM = "Team"


@frozen
class Do:
    """Operations, applied in one transaction."""

    user: int
    operations: tuple[Any, ...]
    key: int | None


@frozen
class Open:
    """The init of some uploads; a draft's hash is the text itself."""

    user: int
    drafts: tuple[c.UploadDraft, ...]
    key: int | None


@frozen
class Put:
    """Init, bytes and commit in one go."""

    user: int
    drafts: tuple[c.UploadDraft, ...]


@frozen
class Send:
    """The bytes of an upload that was opened before."""

    upload: int


@frozen
class Commit:
    """A commit of some uploads, by ``user`` (None: by him who opened the first of them).

    ``lie`` claims other bytes than were announced; ``send`` sends them first; ``if_exists`` is
    another answer to a taken name than the init gave.
    """

    user: int | None
    uploads: tuple[int, ...]
    lie: bool = False
    send: bool = False
    if_exists: c.IfExists | None = None


@frozen
class Abort:
    """An end without a commit."""

    user: int | None
    upload: int


@frozen
class Again:
    """An earlier request once more with its Idempotency-Key, as it was or with another body."""

    request: int
    changed: bool


@frozen
class SetRank:
    """User 2 becomes nothing, viewer or editor in the team space."""

    rank: int


@frozen
class Expire:
    """Eight days pass, and the finalizer looks."""


Step = Do | Open | Put | Send | Commit | Abort | Again | SetRank | Expire


def _weighted(*choices: tuple[int, SearchStrategy[Any]]) -> SearchStrategy[Any]:
    picks = [strategy for weight, strategy in choices for _ in range(weight)]
    return st.integers(0, len(picks) - 1).flatmap(lambda pick: picks[pick])


def _maybe(values: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return _weighted((1, st.none()), (1, values))


_number = st.integers(0, 47)
_id = st.builds(lambda n: UUID(int=n), _number)
_user = st.sampled_from((1, 1, 1, 2))
_maybe_user = st.sampled_from((*[None] * 6, 1, 2))
_key = st.sampled_from((*[None] * 8, *range(1, 9)))
_if_exists = st.sampled_from(c.IfExists)
_revision = st.sampled_from((*[None] * 5, CURRENT, STALE))
_above = st.sampled_from(FOLDERS)
_space = st.sampled_from(("", "", f"{TEAM}:"))
_name = st.sampled_from(NAMES)
_path = st.builds(lambda *parts: c.Target(path="{}{}/{}".format(*parts)), _space, _above, _name)
_folder_path = st.builds(lambda space, path: c.Target(path=space + (path or "/")), _space, _above)
_by_id = st.builds(c.Target, node_id=_id)
_node = _weighted((3, _by_id), (1, _path), (1, _by_id))
_folder = _weighted((3, _by_id), (1, _folder_path))
_draft = st.builds(
    lambda text, **more: c.UploadDraft(len(text), hash=text, **more),
    st.sampled_from(TEXTS),
    target=_path,
    if_exists=_if_exists,
    base_version=st.sampled_from((*[None] * 9, 0, CURRENT, STALE)),
)
_drafts = st.lists(_draft, min_size=1, max_size=3).map(tuple)
_operation = _weighted(
    (3, st.builds(c.MakeFolder, _path, parents=st.booleans(), exist_ok=st.booleans())),
    (4, st.builds(c.MoveNode, _node, _maybe(_folder), _maybe(_name), _if_exists, _revision)),
    (3, st.builds(c.CopyNode, _node, _folder, _maybe(_name), _if_exists)),
    (4, st.builds(c.TrashNode, _node, _revision)),
    (3, st.builds(c.RestoreEntry, _id, _maybe(_folder), _maybe(_name), _if_exists)),
    (1, st.builds(c.PurgeEntry, _id)),
    (2, st.builds(c.RestoreVersion, _node, st.integers(0, 3), _revision)),
)
_numbers = st.lists(_number, min_size=1, max_size=3, unique=True).map(tuple)
_other = st.sampled_from((None, None, None, *c.IfExists))
_lie = st.sampled_from((False, False, False, True))
_step: SearchStrategy[Step] = _weighted(
    (8, st.builds(Do, _user, st.lists(_operation, min_size=1, max_size=3).map(tuple), _key)),
    (5, st.builds(Put, _user, _drafts)),
    (2, st.builds(Open, _user, _drafts, _key)),
    (2, st.builds(Send, _number)),
    (3, st.builds(Commit, _maybe_user, _numbers, _lie, st.booleans(), _other)),
    (1, st.builds(Abort, _maybe_user, _number)),
    (2, st.builds(Again, _number, st.booleans())),
    (1, st.builds(SetRank, st.integers(0, 2))),
    (1, st.builds(Expire)),
)
plans = st.lists(_step, min_size=15, max_size=30)


def file_at(path: str, text: str, if_exists: c.IfExists = c.IfExists.FAIL) -> c.UploadDraft:
    """Sketch a draft."""
    return c.UploadDraft(len(text), c.Target(path=path), hash=text, if_exists=if_exists)


def newest() -> UUID:
    """Mean the newest entry that is in the trash."""
    return UUID(int=0)


def any_entry(back: int) -> UUID:
    """Mean an entry that was heard of, there or not."""
    return UUID(int=4 * back + 3)


FURNITURE: tuple[Step, ...] = (
    Do(1, (c.MakeFolder(c.Target(path=f"/a/{ACUTE}"), parents=True),), None),
    Do(1, (c.MakeFolder(c.Target(path=f"{TEAM}:/a")),), None),
    Put(1, (file_at("/a/b.txt", "one"),)),
    Put(1, (file_at(f"{TEAM}:/a/ss", "seven b"),)),
    Put(2, (file_at("/a/b.txt", "one"),)),
    Put(1, (file_at("/a/ss", "twelve bytes"),)),
    Do(1, (c.TrashNode(c.Target(path="/a/ss")),), None),
)
"""What every run begins with, so that its first steps find something."""
