"""What is in the way of those who see nothing costs by the numbers in use, not by the file."""

import pytest

from bitvault.actors.files.contract import (
    CommitUploads,
    InitUploads,
    Target,
    UploadCommit,
    UploadDraft,
    Written,
)
from bitvault.kernel.access import Role
from bitvault.kernel.ids import NodeId
from tests.actors.files.conftest import sha256
from tests.actors.files.counting import CountingDatabase
from tests.actors.sharing.conftest import Company
from tests.actors.sharing.test_uploaders import tree
from tests.support.rewiring import rewire


async def send(company: Company, box: NodeId, paths: list[str]) -> int:
    """Have ben put files in, all at once; return how many statements the commit took."""
    ben, whole = company.caller("ben"), company.files.database
    drafts = tuple(
        UploadDraft(4, Target(path=f"{box}:/{path}"), hash=sha256("text")) for path in paths
    )
    opened = await company.files.ask(InitUploads(ben, drafts))
    commits = tuple(UploadCommit(one.upload_id, sha256("text")) for one in opened)
    counting = CountingDatabase(whole)
    rewire(company.files.room, database=counting)
    done = await company.files.ask(CommitUploads(ben, commits))
    rewire(company.files.room, database=whole)
    assert all(isinstance(one, Written) for one in done)
    return counting.runs.total()


@pytest.mark.requirement("X59")
async def test_a_batch_asks_once_for_what_is_in_its_way(company: Company) -> None:
    """Thirty files round ninety taken names take few statements more than one round one."""
    box = await company.folder("ann", "/box")
    await company.share("ann", box, "ben", Role.UPLOADER)
    plain = await send(company, box, ["free/a"])
    await send(company, box, ["x"])
    few = await send(company, box, ["x/a"])
    await send(company, box, ["y"] * 90)
    many = await send(company, box, [f"y/{number}" for number in range(30)])
    again = await send(company, box, [f"Y/{number}" for number in range(30)])

    assert (few - plain, many - few) == (6, 6)
    assert again - many == 2  # their own names are taken now, and looked at all at once
    found = await tree(company, box)
    assert found["x (2)"] == {"a": 4}
    assert sorted(found["y (91)"]) == sorted(
        [*map(str, range(30)), *(f"{number} (2)" for number in range(30))]
    )


async def test_each_level_is_gone_round(company: Company) -> None:
    """A file in the way, one below its number, and another file on the way beside them."""
    box = await company.folder("ann", "/box")
    await company.share("ann", box, "ben", Role.UPLOADER)
    await send(company, box, ["x", "x (2)/y", "x (2)/y (2)/deep", "z"])
    await send(company, box, ["x/y/z/a", "X/Y/b", "z/c", "x", "free/d"])

    assert await tree(company, box) == {
        "x": 4,
        "x (2)": {"y": 4, "y (2)": {"deep": 4, "z": {"a": 4}, "b": 4}},
        "x (3)": 4,
        "z": 4,
        "z (2)": {"c": 4},
        "free": {"d": 4},
    }
