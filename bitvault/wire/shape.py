"""What all shapes have in common: camelCase, frozen, and the field types that recur."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

MAX_INT = (1 << 63) - 1
MAX_ITEMS = 1000


class Shape(msgspec.Struct, frozen=True, rename="camel", omit_defaults=False, kw_only=True):
    """A response, or a part of one. Readers ignore fields they do not know."""


class Body(
    msgspec.Struct,
    frozen=True,
    rename="camel",
    forbid_unknown_fields=True,
    omit_defaults=True,
    kw_only=True,
):
    """A request body: a field that is not known is a mistake, and named as such."""


Id = UUID
Size = Annotated[int, Meta(ge=0, le=MAX_INT, description="Bytes.")]
Quota = Annotated[int, Meta(ge=0, le=MAX_INT, description="Bytes.")]
Name = Annotated[str, Meta(min_length=1, max_length=1024, description="Name of a node.")]
Path = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=8192,
        description="`/a/b` in the caller's personal space (or `spaceId`), or `Space:/a/b`.",
    ),
]
Hash = Annotated[
    str,
    Meta(
        pattern=r"^sha256(-[1-9][0-9]{0,4})?:[0-9a-f]{64}$",
        description="`sha256:<hex>` of the bytes of a single PUT; `sha256-<n>:<hex>` over the "
        "concatenated binary SHA-256 digests of n parts.",
    ),
]
PartHash = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$")]
PartNumber = Annotated[int, Meta(ge=1, le=10_000)]
Etag = Annotated[str, Meta(max_length=256, description="As the store gave it.")]
VersionNumber = Annotated[int, Meta(ge=1, le=MAX_INT)]
IfExists = Annotated[
    str,
    Meta(
        pattern="^(fail|replace|rename)$",
        description="When the name is taken: `fail`, `replace` (files only), or `rename`.",
    ),
]
