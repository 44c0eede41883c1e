"""The answers the SDK reads: the shapes of ``wire``, and the generic ones around them."""

from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec

from bitvault.wire.nodes import Content, Node, Version, Written
from bitvault.wire.sessions import SessionOpened as Session
from bitvault.wire.uploads import InitOutcome as Begun
from bitvault.wire.uploads import Plan, Transfer, Transfers, Upload, UploadEnded
from bitvault.wire.uploads import ReceivedPart as PartReceived

__all__ = [
    "Begun",
    "Content",
    "Id",
    "Item",
    "Items",
    "Listing",
    "Node",
    "PartReceived",
    "Plan",
    "Session",
    "Transfer",
    "Transfers",
    "Upload",
    "UploadEnded",
    "Version",
    "Written",
]

T = TypeVar("T")

Id = UUID | str
"""Callers may pass ids as text."""


class Item(msgspec.Struct, frozen=True):
    """One answer of a batch: ``result`` when ``status`` is 2xx, else ``problem``."""

    status: int
    result: msgspec.Raw = msgspec.Raw(b"null")
    problem: dict[str, Any] | None = None


class Items(msgspec.Struct, frozen=True):
    """The answers of a batch, in the order asked."""

    items: list[Item]


class Listing(msgspec.Struct, Generic[T], frozen=True, rename="camel"):
    """One page of a list."""

    items: list[T]
    next_cursor: str | None = None
