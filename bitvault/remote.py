"""Services of other processes: asked by messages that the codec writes (ADR-0041)."""

from collections.abc import Iterable
from typing import Any

from bitvault.kernel.codec import Codec
from bitvault.kernel.tags import tags_of
from bitvault.manifest import Manifest


def codec_of(manifests: Iterable[Manifest[Any]]) -> Codec:
    """Return what writes and reads every message of these services."""
    return Codec(tags_of(one.contract for one in manifests))
