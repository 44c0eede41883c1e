"""What is restricted below a folder that somebody is about to put in the trash (ADR-0032)."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from attrs import define, field

from bitvault.actors.files.contract import TreeRuleBroken
from bitvault.actors.files.store.drawing import Drawing
from bitvault.actors.files.store.locate import spaces_of, walk_up
from bitvault.actors.files.store.places import Place, rights_at
from bitvault.drivers.postgres.port import Row, Transaction, load_queries
from bitvault.kernel.access import Right
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Forbidden, Refused

SQL = load_queries("bitvault.actors.files.store", "holding.sql")
_FEW = 1000
"""Restricted folders of a tenant: up to so many are looked up once, wherever they are; where there
are more, the folders below are walked through."""
_LOOKUPS = 50_000
"""Nodes on the ways to restricted folders that one request reads, wherever these are."""
_SEARCHED = 100_000
"""Folders below those to be trashed, and nodes on their ways, that one request reads."""
_AT_ONCE = 100
HIDDEN = Forbidden("trash a folder that holds something restricted which is not yours to change")
TOO_LARGE = TreeRuleBroken(
    "id",
    "must not hold more folders than one request may search for restricted ones: trash it in parts,"
    " or in a request of its own",
)


@define
class Hidden:
    """Says which folders hold restricted ones that are not the caller's to change.

    The answers for the whole tenant are looked up once for all operations of a request, and again
    only when one of them moved something that leads to a restricted folder. Where that would cost
    more than its allowance, each folder is searched by itself.
    """

    drawing: Drawing
    _lookups: int = field(factory=lambda: _LOOKUPS, init=False)
    _allowance: int = field(factory=lambda: _SEARCHED, init=False)
    _above: set[UUID] | None = field(default=None, init=False)
    """Folders on the way to a live restricted one that the caller may not change."""
    _ways: set[UUID] = field(factory=set, init=False)
    """All nodes on the way to a restricted one, trashed or not."""
    _is_searched: bool = field(default=False, init=False)
    """Whether each folder is searched by itself."""

    async def check(self, place: Place) -> None:
        """Refuse to trash a folder with a restricted one in it that the caller may not change.

        Who may share a folder is not held by a restriction below it. What is in the trash by itself
        stays there, whatever becomes of the folder.

        Raises:
            Refused: ``Forbidden``; it names nothing. ``TreeRuleBroken``: there is too much below.
        """
        if place.node["kind"] != "folder" or Right.SHARE in place.rights[-1]:
            return
        if self._above is None and not self._is_searched:
            await self._look_up()
        if self._above is None:
            await self._search(place)
        elif place.node_id in self._above:
            raise Refused(HIDDEN)

    def moved(self, node_id: UUID) -> None:
        """Forget what was looked up, if this node leads to something restricted."""
        if node_id in self._ways:
            self.forget()

    def forget(self) -> None:
        """Look up again before the next answer."""
        self._above, self._ways = None, set()

    async def _look_up(self) -> None:
        await self.drawing.write()
        tx, caller = self.drawing.tx, self.drawing.stamp.caller
        rows = await tx.fetch(SQL["restricted"], tenant=caller.tenant_id, limit=_FEW + 1)
        self._is_searched = len(rows) > _FEW
        chains = list[Row]()
        for ids in _parts([row["node_id"] for row in rows]):
            self._is_searched = self._is_searched or self._lookups <= 0
            if self._is_searched:
                return
            found = await walk_up(tx, caller, ids)
            self._lookups -= sum(len(chain["ids"]) for chain in found)
            chains += found
        roots = {chain["root_space_id"] for chain in chains} - {None}
        spaces = {s["space_id"]: s for s in await spaces_of(tx, caller, sorted(roots))}
        self._ways = {node_id for chain in chains for node_id in chain["ids"]}
        self._above = {
            node_id
            for chain in chains
            if (space := spaces.get(chain["root_space_id"])) and _holds_out(chain, space, caller)
            for node_id in chain["ids"][:-1]
        }

    async def _search(self, place: Place) -> None:
        await self.drawing.write()
        tx, caller = self.drawing.tx, self.drawing.stamp.caller
        self._need_allowance()
        at = {"tenant": caller.tenant_id, "node_id": place.node_id, "limit": self._allowance + 1}
        (below,) = await tx.fetch(SQL["restricted_below"], **at)
        self._allowance -= below["folders"]
        if self._allowance < 0:
            raise Refused(TOO_LARGE)
        for ids in _parts(below["restricted"]):
            self._need_allowance()
            chains = await walk_up(tx, caller, ids)
            self._allowance -= sum(len(chain["ids"]) for chain in chains)
            if any(
                _holds_out(c, place.space, caller) for c in chains if c["ids"][-1] != place.node_id
            ):
                raise Refused(HIDDEN)

    def _need_allowance(self) -> None:
        if self._allowance <= 0:
            raise Refused(TOO_LARGE)


def _parts(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


def _holds_out(chain: Row, space: Row, caller: Caller) -> bool:
    """Say whether the last of a chain is live and not the caller's to change."""
    return not chain["trashed"] and Right.CHANGE not in rights_at(chain, space, caller)[-1]


async def check_opens_nothing(tx: Transaction, tenant: UUID, above: Sequence[UUID]) -> None:
    """Refuse to make the folders again that something was in, if one of them is restricted.

    The new ones would not be, and nobody has said so.

    Raises:
        Refused: ``TreeRuleBroken``.
    """
    if await tx.fetchrow(SQL["restricted_among"], tenant=tenant, node_ids=list(above)):
        rule = "must be said: the folder it was in was restricted, and is not there"
        raise Refused(TreeRuleBroken("parentId", rule))
