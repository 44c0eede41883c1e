"""What messages are called when they travel or are stored: never by the names of their classes."""

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Final

from bitvault.kernel import refusal
from bitvault.kernel.backlog import CountBacklog
from bitvault.kernel.erasure import Erased, EraseTenant
from bitvault.kernel.export import Exported, ExportRecords
from bitvault.kernel.paging import Page
from bitvault.kernel.principal import Principal
from bitvault.kernel.refusal import Refusal

TAGS: Final[Mapping[str, type]] = {
    "count_backlog": CountBacklog,
    "erase_tenant": EraseTenant,
    "erased": Erased,
    "export_records": ExportRecords,
    "exported": Exported,
    "page": Page,
    "principal": Principal,
}


class TagTaken(TypeError):  # noqa: N818 - names the fault
    """Raised when two classes have one tag; choose another in the ``TAGS`` of a contract."""


def tags_of(contracts: Iterable[ModuleType]) -> dict[str, type]:
    """Return every message of these contracts and of the kernel, by tag.

    A contract's ``TAGS`` names its requests, and the classes of which a union tells which one it
    has. A refusal has its code for a tag, but where ``TAGS`` says otherwise, since others share it.

    Raises:
        TagTaken: Two have the same.
    """
    found = dict(TAGS)
    for contract in (refusal, *contracts):
        for tag, kind in _declared(contract):
            if found.setdefault(tag, kind) is not kind:
                raise TagTaken(f"{tag!r}: {found[tag].__name__} and {kind.__name__}")
    return found


def _declared(contract: ModuleType) -> Iterable[tuple[str, type]]:
    tags: Mapping[str, type] = getattr(contract, "TAGS", {})
    yield from tags.items()
    for kind in vars(contract).values():
        if _refuses(kind, contract) and kind not in tags.values():
            yield kind.code, kind


def _refuses(kind: object, contract: ModuleType) -> bool:
    """Say whether it is a refusal of this contract, not one that it has from elsewhere."""
    if not isinstance(kind, type) or not issubclass(kind, Refusal) or kind is Refusal:
        return False
    return kind.__module__.startswith(contract.__name__)
