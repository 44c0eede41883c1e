"""Plans and content hashes are pure functions."""

import hashlib

import pytest

from bitvault.client.hashing import (
    MIB,
    ContentHasher,
    Section,
    composite_hash,
    parts_for,
    parts_of,
    single_hash,
)


@pytest.mark.parametrize(
    ("size", "cut"),
    [
        (0, None),
        (64 * MIB, None),
        (64 * MIB + 1, (16 * MIB, 5)),
        (1 << 30, (16 * MIB, 64)),
        (160_000 * MIB, (16 * MIB, 10_000)),
        (160_000 * MIB + 1, (32 * MIB, 5001)),
        (5 << 40, (1024 * MIB, 5120)),
    ],
)
def test_the_plan_follows_from_the_size(size: int, cut: tuple[int, int] | None) -> None:
    """Up to 64 MiB one PUT, above it equal parts that double when they would be too many."""
    parts = parts_for(size)
    assert (parts and (parts.size, parts.count)) == cut


def test_sections_cover_the_file_without_gap_or_overlap() -> None:
    """Part n begins where part n-1 ends, and the last one ends with the file."""
    parts = parts_for(70 * MIB)
    assert parts is not None
    sections = [parts.section(number) for number in range(1, parts.count + 1)]
    ends = [section.offset + section.size for section in sections]
    assert [section.offset for section in sections] == [0, *ends[:-1]]
    assert sections[-1] == Section(64 * MIB, 6 * MIB)


@pytest.mark.parametrize("step", [1 << 20, (16 << 20) + 7, 70 << 20])
def test_a_stream_hashes_like_its_parts(step: int) -> None:
    """The composite hash does not depend on how the bytes arrive."""
    data = memoryview(bytes(range(256)) * (70 * MIB // 256))
    cuts = [data[start : start + 16 * MIB] for start in range(0, len(data), 16 * MIB)]
    expected = composite_hash([hashlib.sha256(one).digest() for one in cuts])
    hasher = ContentHasher(expected, len(data))
    for start in range(0, len(data), step):
        hasher.update(data[start : start + step])
    assert hasher.result() == expected


def test_a_single_hash_is_of_the_bytes() -> None:
    """The empty file too has a hash."""
    expected = single_hash(hashlib.sha256(b"").digest())
    assert ContentHasher(expected, 0).result() == expected


@pytest.mark.parametrize("wrong", ["", "md5:00", "sha256:zz", f"sha256-4:{'0' * 64}"])
def test_a_hash_that_fits_no_plan_is_refused(wrong: str) -> None:
    """A wrong form, and a part count that cuts no file of that size."""
    with pytest.raises(ValueError, match=r"sha256|cut"):
        parts_of(wrong, 5 * 16 * MIB + 1 if "-4" in wrong else 10)
