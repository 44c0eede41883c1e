"""The files room against a model of it: each answer, and at the end everything there is."""

import pytest

from tests.model.examine import examine
from tests.support.postgres import PostgresServer

EXAMPLES = 220
OPERATIONS = (
    "MakeFolder", "MoveNode", "CopyNode", "TrashNode", "RestoreEntry", "PurgeEntry",
    "RestoreVersion", "UploadDraft", "Commit",
)  # fmt: skip
RARE = (
    "MoveNode: TreeRuleBroken", "MoveNode: StaleRevision", "CopyNode: NameTaken",
    "UploadDraft: StaleBase", "UploadDraft: QuotaExceeded", "UploadDraft: KindMismatch",
    "TrashNode: Forbidden", "RestoreVersion: VersionNotFound", "Commit: BytesMissing",
    "Commit: BytesMismatch", "a repeat", "a repeated commit",
    "a repeated init", "a key reused", "expired", "carried", "carried with trash below",
    "committed elsewhere", "purged with trash below", "replaced", "copied onto",
    "MoveNode: KindMismatch",
)  # fmt: skip


@pytest.mark.slow
def test_the_room_does_what_the_model_says(migrated_server: PostgresServer) -> None:
    """Whatever is asked, in whatever order; and the runs did meet what they are made for."""
    name = migrated_server.clone()

    seen = examine(migrated_server.dsn(name), EXAMPLES)

    migrated_server.drop(name)
    wanted = [*(f"{operation}: done" for operation in OPERATIONS), *RARE]
    assert [what for what in wanted if not seen[what]] == []
