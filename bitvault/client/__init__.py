"""The Python SDK: ``Client`` for the control plane, ``Uploader`` and ``Downloader`` for bytes.

``__all__`` is what is public; docs/how-to/sdk.md shows it at work. Each name is imported when it is
first asked for, as the HTTP library takes a tenth of a second. The SDK imports nothing of the
server and could ship alone (ADR-0014).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bitvault.client.client import Client
    from bitvault.client.downloads import Downloader
    from bitvault.client.errors import (
        BitVaultError,
        IntegrityError,
        LocalExists,
        Problem,
        SourceChanged,
        StoreRefused,
        Unreachable,
    )
    from bitvault.client.logins import LoginFile, LoginMemory, opened
    from bitvault.client.progress import Progress
    from bitvault.client.results import Missed, TreeResult
    from bitvault.client.retry import RetryPolicy
    from bitvault.client.shapes import Node, Version
    from bitvault.client.tree_down import TreeDownload
    from bitvault.client.trees import TreeUpload
    from bitvault.client.uploads import Source, Uploader

__all__ = [
    "BitVaultError",
    "Client",
    "Downloader",
    "IntegrityError",
    "LocalExists",
    "LoginFile",
    "LoginMemory",
    "Missed",
    "Node",
    "Problem",
    "Progress",
    "RetryPolicy",
    "Source",
    "SourceChanged",
    "StoreRefused",
    "TreeDownload",
    "TreeResult",
    "TreeUpload",
    "Unreachable",
    "Uploader",
    "Version",
    "opened",
]

_PLACES = {
    "client": ("Client",),
    "downloads": ("Downloader",),
    "errors": (
        "BitVaultError",
        "IntegrityError",
        "LocalExists",
        "Problem",
        "SourceChanged",
        "StoreRefused",
        "Unreachable",
    ),
    "logins": ("LoginFile", "LoginMemory", "opened"),
    "progress": ("Progress",),
    "results": ("Missed", "TreeResult"),
    "retry": ("RetryPolicy",),
    "shapes": ("Node", "Version"),
    "tree_down": ("TreeDownload",),
    "trees": ("TreeUpload",),
    "uploads": ("Source", "Uploader"),
}
_MODULE_OF = {name: module for module, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    """Name what is public."""
    return __all__
