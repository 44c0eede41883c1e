"""Plans, hashes and dispositions: pure decisions."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitvault.actors.storage.contract import ObjectDraft, Plan
from bitvault.actors.storage.rules import (
    MAX_PARTS,
    MAX_SIZE,
    MIB,
    ContentHash,
    check_draft,
    check_hash,
    check_part_numbers,
    composite,
    parse_hash,
    plan_for,
    present,
    size_of_part,
)
from bitvault.kernel.ids import SystemIds, UploadId
from bitvault.kernel.refusal import Invalid

SIZES = st.integers(0, MAX_SIZE)
HEX = "ab" * 32


@given(SIZES)
def test_a_plan_covers_every_byte_once(size: int) -> None:
    """Parts are equal but for the last, not empty, and at most 10,000."""
    plan = plan_for(size)
    sizes = {size_of_part(plan, size, n) for n in range(1, plan.part_count)}

    assert plan.part_count <= MAX_PARTS
    if size <= 64 * MIB:
        assert plan == Plan("single", 0, 0)
        return
    last = size_of_part(plan, size, plan.part_count)
    assert sizes == {plan.part_size}
    assert 0 < last <= plan.part_size
    assert (plan.part_count - 1) * plan.part_size + last == size


@given(SIZES)
def test_a_part_is_the_smallest_that_will_do(size: int) -> None:
    """The part size is 16 MiB doubled no more often than the bound on parts demands."""
    plan = plan_for(size)

    if plan.part_size > 16 * MIB:
        assert plan.part_size // 2 * MAX_PARTS < size


@pytest.mark.parametrize(
    ("size", "plan"),
    [
        (0, Plan("single", 0, 0)),
        (64 * MIB, Plan("single", 0, 0)),
        (64 * MIB + 1, Plan("multipart", 16 * MIB, 5)),
        (160_000 * MIB, Plan("multipart", 16 * MIB, 10_000)),
        (160_000 * MIB + 1, Plan("multipart", 32 * MIB, 5001)),
    ],
)
def test_the_plan_at_its_edges(size: int, plan: Plan) -> None:
    """The thresholds are where the design puts them; clients compute them too."""
    assert plan_for(size) == plan


@given(st.binary(min_size=32, max_size=32), st.integers(0, MAX_PARTS))
def test_a_hash_survives_being_written_and_read(digest: bytes, parts: int) -> None:
    """Both forms read back as they were."""
    content = ContentHash(digest, parts)

    assert parse_hash(str(content)) == content


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEX,
        f"sha256:{HEX}00",
        f"sha256:{HEX.upper()}",
        f"md5:{HEX}",
        f"sha256-0:{HEX}",
        f"sha256-10001:{HEX}",
        f"sha256-01:{HEX}",
        f"sha256:{HEX}\n",
        f" sha256:{HEX}",
        f"sha256-{'9' * 4000}:{HEX}",
        f"sha256-٣:{HEX}",
    ],
)
def test_other_forms_are_no_hash(text: str) -> None:
    """Nothing is guessed or trimmed."""
    assert parse_hash(text) is None


def test_the_form_follows_the_plan() -> None:
    """A multipart hash for a small file is refused, and the rule says which form is meant."""
    refused = check_hash(f"sha256-2:{HEX}", plan_for(1))

    assert refused == Invalid("hash", "must have the form sha256:<hex> for a file of this size")


def test_composite_is_the_hash_of_hashes() -> None:
    """SHA-256 over the concatenated raw digests."""
    digests = [hashlib.sha256(data).digest() for data in (b"a", b"b")]

    assert composite(digests) == ContentHash(hashlib.sha256(b"".join(digests)).digest(), 2)


@pytest.mark.parametrize(
    ("size", "content", "field"),
    [(-1, f"sha256:{HEX}", "size"), (1 << 63, None, "size"), (1, None, "hash"), (1, "x", "hash")],
)
def test_a_draft_that_breaks_a_rule_is_named(size: int, content: str | None, field: str) -> None:
    """The refusal names the field."""
    refused = check_draft(ObjectDraft(UploadId(SystemIds().uuid7()), size, content))

    assert isinstance(refused, Invalid)
    assert refused.field == field


@pytest.mark.parametrize("numbers", [[], [0], [6], [-1], [1, 1], list(range(1, 1002))])
def test_part_numbers_outside_the_plan_are_refused(numbers: list[int]) -> None:
    """None, zero, beyond the last, twice, or too many."""
    assert check_part_numbers(numbers, Plan("multipart", 16 * MIB, 5)) is not None


@pytest.mark.requirement("X44")
@given(st.text(st.characters(), max_size=60), st.booleans())
def test_no_name_can_break_out_of_its_header(name: str, inline: bool) -> None:  # noqa: FBT001 - given
    """Whatever a file is called, the header is printable ASCII with two quotes."""
    _, disposition = present(name, "image/png", inline=inline)

    assert disposition.isascii()
    assert disposition.isprintable()
    assert disposition.count('"') == 2


@pytest.mark.parametrize(
    "kind",
    [
        "text/html",
        "TEXT/HTML; charset=utf-8",
        "image/svg+xml",
        "application/xhtml+xml",
        "text/xml",
        "application/javascript",
        "message/rfc822",
        "multipart/related",
        "no type",
        "",
    ],
)
def test_what_can_run_is_never_shown_inline(kind: str) -> None:
    """It goes as an attachment, and never under a type that a browser would run."""
    sent, disposition = present("x.htm", kind, inline=True)

    assert disposition.startswith("attachment;")
    assert sent in {"application/octet-stream", "message/rfc822"}


def test_a_name_keeps_its_letters() -> None:
    """RFC 8187 carries the name; the plain one is for old clients."""
    kind, disposition = present('Plän "1"\r\n.png', "image/png", inline=True)

    assert kind == "image/png"
    assert disposition == (
        "inline; filename=\"Pl_n _1_.png\"; filename*=UTF-8''Pl%C3%A4n%20%221%22.png"
    )
