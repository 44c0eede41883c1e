"""A batch behaves like its items sent one after the other (ADR-0010)."""

from typing import Any

from bitvault.actors.files.contract import (
    CommitUploads,
    GetNode,
    IfExists,
    InitUploads,
    KindMismatch,
    NameTaken,
    StaleBase,
    Target,
    UploadCommit,
    UploadDraft,
    UploadUnneeded,
)
from tests.actors.files.conftest import World, sha256


def draft(path: str, text: str, **more: Any) -> UploadDraft:
    """Return a draft of some text."""
    return UploadDraft(len(text), Target(path=path), hash=sha256(text), **more)


async def test_an_init_sees_what_the_draft_before_it_committed(world: World) -> None:
    """Known content lands at once, and the next draft meets it, new folders and all."""
    await world.put("/known", "known")
    drafts = (
        draft("/n/a", "known"),
        draft("/N/A", "new"),
        draft("/n/a/b", "new"),
        draft("/n/a", "new", base_version=2),
        draft("/n", "new", if_exists=IfExists.REPLACE),
        draft("/n/a", "known", if_exists=IfExists.REPLACE),
    )

    first, *refused, again = await world.ask(InitUploads(world.caller(), drafts))

    assert isinstance(first, UploadUnneeded)
    assert refused == [
        NameTaken("a"),
        KindMismatch("/n/a", "folder"),
        StaleBase(1),
        KindMismatch("/n", "file"),
    ]
    assert again.written.node == first.written.node


async def test_a_path_is_told_in_the_case_that_exists(world: World) -> None:
    """The first item makes the folder; the second, typed otherwise, is told where it really is."""
    paths = ("/New/x", "/new/y", "/NEW/X")
    uploads = [await world.init(path, path, if_exists=IfExists.RENAME) for path in paths]
    claims = tuple(
        UploadCommit(one.upload_id, sha256(path)) for one, path in zip(uploads, paths, strict=True)
    )

    done = await world.ask(CommitUploads(world.caller(), claims))

    assert [one.node.path for one in done] == ["/New/x", "/New/y", "/New/X (2)"]
    for one in done:
        target = Target(node_id=one.node.node_id)
        assert await world.ask(GetNode(world.caller(), target)) == one.node
