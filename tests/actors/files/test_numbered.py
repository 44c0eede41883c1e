"""``ifExists: rename``: the first free numbered name, however the name is made."""

import pytest

from bitvault.actors.files.contract import (
    CopyNode,
    IfExists,
    InitUploads,
    MakeFolder,
    MoveNode,
    NameTaken,
    Target,
    UploadDraft,
    UploadOpened,
    UploadUnneeded,
)
from tests.actors.files.conftest import World, sha256

RENAME = IfExists.RENAME
AWKWARD = {
    "a.txt": ("a", ".txt"),
    "A.TXT": ("A", ".TXT"),
    ".profile": (".profile", ""),
    "a (2).txt": ("a (2)", ".txt"),
    "v1.0 final": ("v1.0 final", ""),
    "a .txt": ("a", ".txt"),
    "\u00df": ("\u00df", ""),
    "x" * 251 + ".txt": ("x" * 247, ".txt"),
    "\u00e9" * 127: ("\u00e9" * 125, ""),
}
"""Names, and what stands before and behind their numbers."""


@pytest.mark.parametrize("name", AWKWARD, ids=lambda name: ascii(name[:12]))
async def test_each_way_into_a_folder_finds_the_next_number(world: World, name: str) -> None:
    """New bytes, known bytes, a copy and a move of the same name get numbers in a row."""
    await world.put(f"/{name}", "first")
    await world.put(f"/from/{name}", "other")
    source, root = Target(path=f"/from/{name}"), Target(path="/")

    found = [
        await world.put(f"/{name}", "second", if_exists=RENAME),
        await world.put(f"/{name}", "second", if_exists=RENAME),
        await world.apply(CopyNode(source, root, None, RENAME)),
        await world.apply(MoveNode(source, root, None, RENAME)),
    ]

    before, behind = AWKWARD[name]
    expected = [f"{before} ({number}){behind}" for number in range(2, 6)]
    assert [one.node.name for one in found] == expected


async def test_a_folder_has_the_name(world: World) -> None:
    """Bytes that need not be sent get a numbered name at once, a folder in the way or not."""
    await world.put("/f", "known")
    await world.apply(MakeFolder(Target(path="/a")))

    answer = await world.init("/a", "known", if_exists=RENAME)

    assert isinstance(answer, UploadUnneeded)
    assert answer.written.node.path == "/a (2)"


async def test_a_gap_among_thousands(world: World) -> None:
    """Whatever the order of the keys, the one free number is found; and then none is left."""
    known = sha256("known")
    await world.put("/known", "known")
    names = [f"IMG ({n}).jpg" for n in range(2000) if n != 1234]
    for start in (0, 1000):
        drafts = [
            UploadDraft(5, Target(path=f"/{name}"), hash=known)
            for name in ["IMG.jpg", *names][start : start + 1000]
        ]
        answers = await world.ask(InitUploads(world.caller(), tuple(drafts)))
        assert all(isinstance(one, UploadUnneeded) for one in answers)

    last = await world.put("/IMG.jpg", "new", if_exists=RENAME)
    none = await world.apply(CopyNode(Target(path="/IMG.jpg"), Target(path="/"), None, RENAME))

    assert last.node.name == "IMG (1234).jpg"
    assert none == NameTaken("IMG.jpg")


async def test_a_batch_shares_the_numbers(world: World) -> None:
    """Twenty renames of one name meet the files that are there, and one that comes with them."""
    await world.put("/a", "known")
    await world.put("/a (3)", "known")
    wanted = ["/a (5)", *["/A"] * 20]
    drafts = tuple(
        UploadDraft(5, Target(path=path), hash=sha256("known"), if_exists=RENAME) for path in wanted
    )

    answers = await world.ask(InitUploads(world.caller(), drafts))

    numbers = [2, 4, *range(6, 24)]
    assert [one.written.node.name for one in answers] == ["a (5)", *(f"A ({n})" for n in numbers)]


async def test_each_of_a_batch_has_its_own_crowd(world: World) -> None:
    """Uploads opened side by side find their numbers when they are committed, one by one."""
    await world.put("/a", "one")
    uploads = [await world.init("/a", str(n), if_exists=RENAME) for n in range(3)]
    assert all(isinstance(one, UploadOpened) for one in uploads)

    done = [await world.commit(one, str(n)) for n, one in reversed([*enumerate(uploads)])]

    assert [one.node.name for one in done] == ["a (2)", "a (3)", "a (4)"]
