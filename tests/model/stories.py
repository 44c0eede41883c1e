"""Plans that chance rarely finds: each is what once went wrong, or nearly did."""

from bitvault.actors.files import contract as c
from tests.model.steps import (
    CURRENT,
    TEAM,
    Abort,
    Again,
    Commit,
    Do,
    Open,
    Put,
    SetRank,
    Step,
    any_entry,
    file_at,
    newest,
)

_TEAM = c.Target(path=f"{TEAM}:/")
_A = c.Target(path="/a")
_LONG = "twenty-four bytes, a lot"


def _do(user: int, *operations: c.Operation) -> Do:
    return Do(user, operations, None)


TRASH_GOES_WITH_ITS_FOLDER: list[Step] = [
    _do(1, c.MoveNode(_A, _TEAM, "moved")),
    _do(1, c.PurgeEntry(newest())),
]
"""What is in the trash below a folder counts where the folder is, also after a move."""

RESTORED_TO_WHERE_THE_FOLDER_WENT: list[Step] = [
    _do(1, c.MoveNode(_A, _TEAM, "moved")),
    _do(1, c.RestoreEntry(newest())),
]
"""And comes back there."""

NOT_RESTORED_BY_A_VIEWER: list[Step] = [
    SetRank(2),
    _do(2, c.TrashNode(c.Target(path="/a/b.txt"))),
    _do(2, c.MoveNode(_A, _TEAM, "theirs")),
    SetRank(1),
    _do(2, c.RestoreEntry(newest())),
]
"""Whoever may only read where the folder went cannot restore there."""

PURGED_AROUND_AN_ENTRY: list[Step] = [
    _do(1, c.TrashNode(_A)),
    _do(1, c.PurgeEntry(newest())),
    _do(1, c.RestoreEntry(any_entry(1))),
    _do(1, c.RestoreEntry(newest())),
]
"""A purge leaves in the trash what was put there before in the same folder, and it comes back."""

LEFT_IN_THE_TRASH: list[Step] = PURGED_AROUND_AN_ENTRY[:2]
"""A folder that a purge keeps for what is in the trash below it is what its event says."""

PURGED_BELOW_AN_ENTRY: list[Step] = [_do(1, c.TrashNode(_A)), _do(1, c.PurgeEntry(any_entry(1)))]
"""What is purged goes, though the folder around it is in the trash by itself, and stays."""

COPIED_AROUND_AN_ENTRY: list[Step] = [
    _do(1, c.CopyNode(_A, _A, "copy"), c.CopyNode(_A, _TEAM, "copy")),
]
"""A copy has no trash, and a folder can be copied into itself."""

COMMITTED_WHERE_THE_FOLDER_WENT: list[Step] = [
    Open(1, (file_at("/a/new", _LONG),), None),
    _do(1, c.MoveNode(_A, _TEAM, "moved")),
    Put(2, (file_at("/1", _LONG),)),
    Put(2, (file_at("/2", _LONG),)),
    Put(2, (file_at("/3", "twelve bytes"),)),
    Commit(None, (0,), send=True),
]
"""Bytes that were reserved count once for the tenant, whatever space they end in."""

RENAMED_AROUND_A_FOLDER: list[Step] = [
    Put(1, (file_at("/ss", "one"),)),
    Put(1, (file_at("/a", "one", c.IfExists.RENAME),)),
    Put(1, (file_at("/a", "one", c.IfExists.RENAME),)),
]
"""A numbered name is found when a folder has the name, and no bytes are needed."""

NUMBERED_TWICE: list[Step] = [
    Put(1, (file_at("/v1.0 final", "one"),)),
    *(Put(1, (file_at("/v1.0 final", "seven b", c.IfExists.RENAME),)) for _ in range(3)),
    _do(1, c.CopyNode(c.Target(path="/v1.0 final"), c.Target(path="/"), None, c.IfExists.RENAME)),
]
"""What follows a dot is not always an extension; the next free number is found all the same."""

VERSIONS_COME_BACK: list[Step] = [
    Put(1, (file_at("/a/b.txt", "seven b", c.IfExists.REPLACE),)),
    _do(1, c.RestoreVersion(c.Target(path="/a/b.txt"), 1)),
    _do(1, c.RestoreVersion(c.Target(path="/a/b.txt"), 2, CURRENT)),
]
"""An old version becomes the newest one."""

REPLACED_AND_BACK: list[Step] = [
    Put(1, (file_at("/a/b.txt", "seven b", c.IfExists.REPLACE), file_at("/b.txt", "one"))),
    _do(1, c.MoveNode(c.Target(path="/b.txt"), _A, None, c.IfExists.REPLACE)),
    _do(1, c.RestoreEntry(newest(), None, None, c.IfExists.REPLACE)),
    _do(1, c.RestoreEntry(newest(), None, None, c.IfExists.REPLACE)),
    _do(1, c.CopyNode(c.Target(path="/a/b.txt"), _TEAM), c.PurgeEntry(newest())),
    Put(1, (file_at(f"{TEAM}:/b.txt", "seven b", c.IfExists.REPLACE),)),
    _do(1, c.CopyNode(c.Target(path="/a/b.txt"), _TEAM, None, c.IfExists.REPLACE)),
    _do(1, c.MoveNode(c.Target(path="/a/b.txt"), _TEAM, None, c.IfExists.REPLACE)),
]
"""A file takes the place of another, which is in the trash with its history and can come back."""

REPEATED_INITS: list[Step] = [
    Open(1, (file_at("/new", _LONG),), 1),
    Again(0, changed=False),
    Commit(None, (0,), send=True),
    Again(0, changed=False),
    Open(1, (file_at("/newer", "twelve bytes"),), 2),
    Open(2, (file_at("/newer", _LONG),), 2),
    Abort(None, 0),
    Again(2, changed=False),
]
"""A repeated init answers what has become of the upload."""

STORIES = (
    VERSIONS_COME_BACK,
    REPLACED_AND_BACK,
    REPEATED_INITS,
    TRASH_GOES_WITH_ITS_FOLDER,
    RESTORED_TO_WHERE_THE_FOLDER_WENT,
    NOT_RESTORED_BY_A_VIEWER,
    PURGED_AROUND_AN_ENTRY,
    LEFT_IN_THE_TRASH,
    PURGED_BELOW_AN_ENTRY,
    COPIED_AROUND_AN_ENTRY,
    COMMITTED_WHERE_THE_FOLDER_WENT,
    RENAMED_AROUND_A_FOLDER,
    NUMBERED_TWICE,
)
