r"""Field types of the REST shapes, each with its rule: checked in requests, stated in OpenAPI.

Patterns end in ``(?!\n)$`` because Python's ``$`` alone lets a trailing newline through, and JSON
Schema has no ``\Z``.
"""

from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar

from msgspec import Meta, Struct

T = TypeVar("T")

MAX_ITEMS = 1000
"""Items of one batch request."""
MAX_SIZE = 5 << 40
"""Bytes of one file: the bound of an S3 object."""
_HELLO = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
"""Of ``hello``, whose size is 5: the examples fit together."""


class RequestShape(Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """The root of what clients send."""


class ResponseShape(Struct, frozen=True, rename="camel", kw_only=True):
    """The root of what the server answers; nulls are written out."""


Size = Annotated[int, Meta(ge=0, le=MAX_SIZE, description="Bytes.", examples=[5])]
Quota = Annotated[int, Meta(ge=0, le=(1 << 63) - 1, description="Bytes.")]
Hash = Annotated[
    str,
    Meta(
        pattern=r"^sha256(-[1-9][0-9]{0,4})?:[0-9a-f]{64}(?!\n)$",
        description=(
            "sha256:<hex> of the bytes for a single PUT; sha256-<n>:<hex> for n parts, over the "
            "concatenated binary SHA-256 digests of the parts."
        ),
        examples=[_HELLO],
    ),
]
PartHash = Annotated[
    str,
    Meta(
        pattern=r"^sha256:[0-9a-f]{64}(?!\n)$",
        description="SHA-256 of the bytes of one part.",
        examples=[_HELLO],
    ),
]
PartNumber = Annotated[int, Meta(ge=1, le=10_000, description="1 for the first part.")]
StoreTag = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=256,
        description="The ETag the store answered to the PUT.",
        examples=['"5d41402abc4b2a76b9719d911017c592"'],
    ),
]
Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=1024,
        description="One path component; at most 255 bytes.",
        examples=["report.odt"],
    ),
]
Path = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=16_384,
        description="/a/b in spaceId (default: your personal space), Space:/a/b, or ID:/a/b below "
        "the folder of that id.",
        examples=["/letters/hello.txt"],
    ),
]
IfExists = Annotated[
    Literal["fail", "replace", "rename"],
    Meta(
        description=(
            "When the name is taken: fail, take 'name (2)', or replace a file by a file: an upload "
            "or a copy becomes its next version, what is moved or restored sends it to the trash."
        )
    ),
]
VersionNumber = Annotated[int, Meta(ge=1, le=(1 << 31) - 1)]
ContentType = Annotated[
    str,
    Meta(
        max_length=255,
        pattern=r"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+( *;[ -~]*)?(?!\n)$",
        description="A media type, as text/plain.",
    ),
]
Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339, with a zone.")]
EventId = Annotated[str, Meta(description="Where this write is in the tenant's event sequence.")]
ETag = Annotated[
    str,
    Meta(
        max_length=64,
        pattern=r'^"[0-9]{1,18}(-[0-9a-f]{1,32})?"(?!\n)$',
        description='As it was answered, in its quotes: "7-01a2b3c4d5e6".',
    ),
]


class Page(ResponseShape, Generic[T], frozen=True, kw_only=True):
    """One page of a list; ``nextCursor`` is null on the last page."""

    items: tuple[T, ...]
    next_cursor: str | None = None
