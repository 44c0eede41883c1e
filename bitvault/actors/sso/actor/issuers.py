"""What issuers say of themselves and their keys, kept for a while."""

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import trio
from attrs import define, field
from msgspec import json

from bitvault.actors.sso.rules.discovery import Metadata, location_of, metadata_of
from bitvault.actors.sso.rules.tokens import Header, Key, Untrusted, key_for, keys_of
from bitvault.drivers.outgoing.port import Blocked, Outgoing, Parcel, Received, Unreachable

KEPT_SECONDS = 600.0
REFETCH_SECONDS = 60.0
"""Between two looks at an issuer's keys, however many unknown keys tokens name (X2)."""
CALL_SECONDS = 5.0
_OK = 200
_MOST = 500


@define(eq=False)
class _Known:
    """One issuer; times are in seconds."""

    lock: trio.Lock = field(factory=trio.Lock)
    metadata: Metadata | None = None
    metadata_at: float = 0.0
    keys: tuple[Key, ...] | None = None
    keys_at: float = 0.0
    refetched_at: float = -math.inf


@define(eq=False)
class Issuers:
    """Asks issuers, each by one request at a time; bounded."""

    outgoing: Outgoing
    now: Callable[[], float] = trio.current_time
    _known: OrderedDict[str, _Known] = field(factory=OrderedDict, init=False)

    async def metadata(self, issuer: str, *, fresh: bool = False) -> Metadata:
        """Return where an issuer is asked what.

        Raises:
            Untrusted: Its document is another's, or leads where nothing may be asked.
            Unreachable: It does not answer.
        """
        known = self._of(issuer)
        async with known.lock:
            age = self.now() - known.metadata_at
            if fresh or known.metadata is None or age > KEPT_SECONDS:
                known.metadata = self._judged(await self._document(location_of(issuer)), issuer)
                known.metadata_at = self.now()
            return known.metadata

    def _judged(self, document: Any, issuer: str) -> Metadata:
        metadata = metadata_of(document, issuer)
        for url in metadata.urls:
            try:
                self.outgoing.check(url)
            except Blocked as error:
                raise Untrusted(f"the discovery document names {url}: {error.reason}") from error
        return metadata

    async def key(self, metadata: Metadata, header: Header) -> Key:
        """Return the issuer's key for a token; looks again, now and then, for one it does not know.

        Raises:
            Untrusted: There is none such.
            Unreachable: The issuer does not answer.
        """
        known = self._of(metadata.issuer)
        async with known.lock:
            if known.keys is None or self.now() - known.keys_at > KEPT_SECONDS:
                await self._fetch_keys(known, metadata)
            key = key_for(header, known.keys or ())
            if key is None and self.now() - known.refetched_at >= REFETCH_SECONDS:
                known.refetched_at = self.now()
                await self._fetch_keys(known, metadata)
                key = key_for(header, known.keys or ())
        if key is None:
            raise Untrusted("the token is signed by a key that the provider does not publish")
        return key

    async def _fetch_keys(self, known: _Known, metadata: Metadata) -> None:
        known.keys = keys_of(await self._document(metadata.jwks_uri))
        known.keys_at = self.now()

    async def _document(self, url: str) -> Any:
        asked = Parcel("GET", url, {"accept": "application/json"}, deadline=CALL_SECONDS)
        return json_of(await self.outgoing.send(asked))

    def _of(self, issuer: str) -> _Known:
        known = self._known.setdefault(issuer, _Known())
        self._known.move_to_end(issuer)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)
        return known


def json_of(answer: Received) -> Any:
    """Return what an answer says, in JSON.

    Raises:
        Unreachable: It is an error, a redirect, or no JSON.
    """
    if answer.status != _OK:
        raise Unreachable(f"the provider answered {answer.status}")
    try:
        return json.decode(answer.body)
    except (ValueError, RecursionError) as error:  # no JSON, or no UTF-8
        raise Unreachable("the provider did not answer in JSON") from error
