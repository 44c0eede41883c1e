"""What storage decides without I/O: plans, hash forms, whether a claim holds, how files are shown.

Hash forms (DESIGN §6): ``sha256:<hex>`` of the bytes, or ``sha256-<n>:<hex>`` of the concatenated
digests of n parts, which is S3's composite checksum, so that the store itself proves it.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from attrs import frozen

from bitvault import text
from bitvault.actors.storage.contract import (
    BytesMismatch,
    BytesMissing,
    ObjectDraft,
    PartDone,
    PartReceived,
    Plan,
    UploadClaim,
)
from bitvault.kernel.refusal import Invalid, Refused

MIB = 1 << 20
SINGLE_MAX = 64 * MIB
MIN_PART = 16 * MIB
MAX_PARTS = 10_000
MAX_SIZE = 5 << 40
"""S3's bound for one object."""
MAX_BATCH = 1000
_MISSING_SHOWN = 100
_HASH = re.compile(r"sha256(?:-([1-9]\d{0,4}))?:([0-9a-f]{64})")
_FORM = "must be sha256:<64 lower-case hex digits>, or sha256-<parts>:<hex> for a multipart upload"


def plan_for(size: int, single_max: int = SINGLE_MAX, min_part: int = MIN_PART) -> Plan:
    """Return how ``size`` bytes go up: a pure function, so that the content hash follows it."""
    if size <= single_max:
        return plan_of_parts(0, 0)
    part_size = min_part
    while part_size * MAX_PARTS < size:
        part_size *= 2
    return plan_of_parts(part_size, -(-size // part_size))


def plan_of_parts(part_size: int, part_count: int) -> Plan:
    """Return the plan with these parts; no parts are one PUT."""
    return Plan("multipart" if part_count else "single", part_size, part_count)


def size_of_part(plan: Plan, size: int, number: int) -> int:
    """Return the bytes of part ``number`` (from 1); all but the last are equal."""
    return min(plan.part_size, size - (number - 1) * plan.part_size)


@frozen
class ContentHash:
    """A hash taken apart; ``parts`` is 0 for the plain form."""

    digest: bytes
    parts: int = 0

    def __str__(self) -> str:
        suffix = f"-{self.parts}" if self.parts else ""
        return f"sha256{suffix}:{self.digest.hex()}"


def parse_hash(text: str) -> ContentHash | None:
    """Read a hash of either form; None when it is neither."""
    match = _HASH.fullmatch(text)
    if match is None or int(match[1] or 0) > MAX_PARTS:
        return None
    return ContentHash(bytes.fromhex(match[2]), int(match[1] or 0))


def composite(digests: Iterable[bytes]) -> ContentHash:
    """Return the hash of parts whose raw digests are given in order."""
    listed = list(digests)
    return ContentHash(hashlib.sha256(b"".join(listed)).digest(), len(listed))


def check_hash(text: str, plan: Plan) -> ContentHash | Invalid:
    """Read a hash that must have the form its plan asks for."""
    found = parse_hash(text)
    if found is None:
        return Invalid("hash", _FORM)
    if found.parts != plan.part_count:
        wanted = f"sha256-{plan.part_count}:<hex>" if plan.part_count else "sha256:<hex>"
        return Invalid("hash", f"must have the form {wanted} for a file of this size")
    return found


def check_draft(
    draft: ObjectDraft, single_max: int = SINGLE_MAX, min_part: int = MIN_PART
) -> Plan | Invalid:
    """Return the plan of a draft, or the first rule it breaks."""
    if not 0 <= draft.size <= MAX_SIZE:
        return Invalid("size", f"must be from 0 to {MAX_SIZE} bytes")
    plan = plan_for(draft.size, single_max, min_part)
    if draft.hash is None:
        return plan if plan.part_count else Invalid("hash", _FORM)
    checked = check_hash(draft.hash, plan)
    return checked if isinstance(checked, Invalid) else plan


def check_part_numbers(numbers: Sequence[int], plan: Plan) -> Invalid | None:
    """Refuse numbers outside the plan, doubles, and more than one message may carry."""
    field = "partNumbers"
    if not 1 <= len(numbers) <= MAX_BATCH:
        return Invalid(field, f"must name from 1 to {MAX_BATCH} parts")
    if len(set(numbers)) != len(numbers):
        return Invalid(field, "must not name a part twice")
    if not all(1 <= number <= plan.part_count for number in numbers):
        return Invalid(field, f"must be from 1 to {plan.part_count}")
    return None


def check_parts(
    claim: UploadClaim, plan: Plan, size: int, received: Sequence[PartReceived]
) -> BytesMissing | BytesMismatch | None:
    """Compare what the store received with the plan and with what the client says it sent."""
    have = {part.part_number: part for part in received}
    if missing := [n for n in range(1, plan.part_count + 1) if n not in have]:
        return BytesMissing(tuple(missing[:_MISSING_SHOWN]))
    if len(have) != plan.part_count:
        return BytesMismatch("parts")
    if any(part.size != size_of_part(plan, size, n) for n, part in have.items()):
        return BytesMismatch("size")
    if claim.parts and not _same_parts(claim.parts, have):
        return BytesMismatch("parts")
    if all(part.hash for part in received):
        digests = [bytes.fromhex(str(have[n].hash)[7:]) for n in sorted(have)]
        if str(composite(digests)) != claim.hash:
            return BytesMismatch("hash")
    return None


def _same_parts(claimed: Sequence[PartDone], have: dict[int, PartReceived]) -> bool:
    if sorted(part.part_number for part in claimed) != sorted(have):
        return False
    return all(
        same_etag(part.etag, have[part.part_number].etag)
        and have[part.part_number].hash in {None, part.hash}
        for part in claimed
    )


def same_etag(one: str, other: str) -> bool:
    """Compare entity tags; clients drop the quotes."""
    return one.strip('"') == other.strip('"')


_INLINE = frozenset(
    {
        "application/pdf", "audio/aac", "audio/flac", "audio/mpeg", "audio/ogg", "audio/wav",
        "image/avif", "image/bmp", "image/gif", "image/jpeg", "image/png", "image/webp",
        "text/plain", "video/mp4", "video/ogg", "video/webm",
    }
)  # fmt: skip
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")
_UNKNOWN_TYPE = "application/octet-stream"
_ATTRIBUTE = "!#$&+-.^_`|~"
"""RFC 8187's attr-char beyond letters and digits."""


def present(file_name: str, content_type: str, *, inline: bool) -> tuple[str, str]:
    """Return Content-Type and Content-Disposition (RFC 6266, RFC 8187) for a download.

    Only types that cannot run code are shown inline, and HTML, SVG and XML are not even named:
    they go as ``application/octet-stream``. No character that could end the header passes.
    """
    kind = content_type.partition(";")[0].strip().lower()
    shown = kind in _INLINE
    safe = kind if shown or (_TYPE.fullmatch(kind) and not _may_run(kind)) else _UNKNOWN_TYPE
    name = "".join(c for c in file_name if text.category(c) not in {"Cc", "Cs"}) or "file"
    plain = name.encode("ascii", "replace").decode()
    plain = "".join("_" if c in '"\\?%;' else c for c in plain)
    encoded = quote(name, safe=_ATTRIBUTE)
    how = "inline" if inline and shown else "attachment"
    if kind == "text/plain":
        safe = "text/plain; charset=utf-8"
    return safe, f"{how}; filename=\"{plain}\"; filename*=UTF-8''{encoded}"


def _may_run(kind: str) -> bool:
    return any(word in kind for word in ("html", "xml", "svg", "script", "multipart", "mhtml"))


def check_batch(field: str, items: Sequence[object]) -> None:
    """Refuse more than one message may carry."""
    if len(items) > MAX_BATCH:
        raise Refused(Invalid(field, f"must not be more than {MAX_BATCH}"))
