"""The oracle's own idea of who may do what, built from the journal. Imports nothing of BitVault.

Like ``model.Tree`` for the tree: one state before the first event and one after each. A role is a
rank: 0 nothing, 1 viewer, 2 editor, 3 manager (ADR-0018, ADR-0019).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from attrs import evolve, field, frozen

from tests.simulation.model import Event, Tree

EVERYONE = UUID(int=0)
RANKS = ("", "viewer", "editor", "manager")
MANAGER = 3
_TEAM = "Team"


@frozen
class Link:
    """A link as the journal last told of it."""

    node: UUID
    rank: int
    is_revoked: bool = False
    sponsor: UUID | None = None
    """Who made it, or changed it last: it is good as long as they may share what it leads to."""


@frozen
class Access:
    """Everything that is said about who may do what, at one moment."""

    given: Mapping[tuple[UUID, UUID], int] = field(factory=dict)
    """Ranks by node and grantee."""
    restricted: frozenset[UUID] = frozenset()
    members: frozenset[tuple[UUID, UUID]] = frozenset()
    """Groups, and who is in them."""
    disabled: frozenset[UUID] = frozenset()
    links: Mapping[UUID, Link] = field(factory=dict)
    team: Mapping[UUID, int] = field(factory=dict)
    """Ranks in the team's space."""

    def after(self, event: Event) -> "Access":
        """Return what is said after an event."""
        step = _STEPS.get(event.kind)
        return step(self, event) if step else self

    def identities(self, user: UUID) -> set[UUID]:
        """Return the ids that a user's grants are given to."""
        return {user, EVERYONE} | {group for group, member in self.members if member == user}

    def said(self, node: UUID, ids: set[UUID]) -> int:
        """Return the best of what these ids are given on a node itself, by name."""
        found = [r for (n, grantee), r in self.given.items() if n == node and grantee in ids]
        return max([0, *found])


@frozen
class Moment:
    """A tree, and what is said about it."""

    tree: Tree
    access: Access
    admin: UUID
    logins: Mapping[UUID, str]
    """What users are called: a personal space has its owner's login for a name."""

    def rank(self, ids: set[UUID], node: UUID, *, is_inside: bool = False) -> int:
        """Return what these ids together may do to a node; 0 also where no live node is.

        A guest who ``is_inside`` was let in when somebody answered for the link.
        """
        chain = self.tree.chain(node) or []
        rank = self._in_space(ids, chain[0].name) if chain else 0
        for one in chain:
            if one.node_id in self.access.restricted and rank < MANAGER:
                rank = 0
            rank = max(rank, self.access.said(one.node_id, ids))
            rank = max(rank, self._linked(one.node_id, ids, is_inside=is_inside))
        return rank

    def is_good(self, link: Link) -> bool:
        """Say whether a link leads anywhere: somebody has to answer for it."""
        sponsor = link.sponsor
        if sponsor is None or link.is_revoked or sponsor in self.access.disabled:
            return False
        return self.rank(self.access.identities(sponsor), link.node) >= MANAGER

    def _linked(self, node: UUID, ids: set[UUID], *, is_inside: bool) -> int:
        """Return what links among these ids give on a node itself."""
        links = self.access.links
        mine = [links[one] for one in ids & links.keys() if links[one].node == node]
        good = [one for one in mine if (not one.is_revoked if is_inside else self.is_good(one))]
        return max([0, *(link.rank for link in good)])

    def _in_space(self, ids: set[UUID], name: str) -> int:
        """Return the rank that a space itself gives: in the team's, by their roles."""
        if name == _TEAM:
            own = MANAGER if self.admin in ids else 0
            return max([own, *(self.access.team.get(one, 0) for one in ids)])
        return MANAGER if name in {self.logins.get(one) for one in ids} else 0

    def names(self, ids: set[UUID], folder: UUID) -> tuple[str, ...]:
        """Return the names that these ids see in a folder."""
        below = self.tree.children(folder)
        return tuple(sorted(one.name for one in below if self.rank(ids, one.node_id)))

    def shared(self, ids: set[UUID]) -> dict[UUID, int]:
        """Return the live nodes that others gave to these ids, and the best of what they gave."""
        nodes = {node for node, grantee in self.access.given if grantee in ids}
        return {one: self.access.said(one, ids) for one in nodes if self.tree.chain(one)}


def moments(
    events: Sequence[Event], trees: Sequence[Tree], admin: UUID, logins: Mapping[UUID, str]
) -> tuple[Moment, ...]:
    """Return the state before the first event, and after each of them."""
    said = [Access()]
    for event in events:
        said.append(said[-1].after(event))
    return tuple(Moment(*pair, admin, logins) for pair in zip(trees, said, strict=True))


# One function for each kind of event


def _granted(access: Access, event: Event) -> Access:
    payload = event.payload
    key = UUID(payload["node_id"]), UUID(payload["grantee_id"])
    return evolve(access, given={**access.given, key: RANKS.index(payload["role"])})


def _revoked(access: Access, event: Event) -> Access:
    key = UUID(event.payload["node_id"]), UUID(event.payload["grantee_id"])
    return evolve(access, given={k: r for k, r in access.given.items() if k != key})


def _linked(access: Access, event: Event) -> Access:
    payload = event.payload
    is_revoked = payload.get("is_revoked", False)
    link = Link(UUID(payload["node_id"]), RANKS.index(payload["role"]), is_revoked, event.actor)
    return evolve(access, links={**access.links, event.subject: link})


def _user_changed(access: Access, event: Event) -> Access:
    one = {event.subject}
    is_out = event.payload["is_disabled"]
    return evolve(access, disabled=access.disabled | one if is_out else access.disabled - one)


def _member(event: Event) -> set[Any]:
    return {(event.subject, UUID(event.payload["member_id"]))}


def _joined_team(access: Access, event: Event) -> Access:
    payload = event.payload
    one = {UUID(payload["member_id"]): RANKS.index(payload["role"])}
    return evolve(access, team={**access.team, **one})


_STEPS: Mapping[str, Callable[[Access, Event], Access]] = {
    "space.member_set": _joined_team,
    "share.granted": _granted,
    "share.revoked": _revoked,
    "share.restricted": lambda a, e: evolve(a, restricted=a.restricted | {e.subject}),
    "share.unrestricted": lambda a, e: evolve(a, restricted=a.restricted - {e.subject}),
    "share.link_created": _linked,
    "share.link_changed": _linked,
    "user.changed": _user_changed,
    "group.joined": lambda a, e: evolve(a, members=a.members | _member(e)),
    "group.left": lambda a, e: evolve(a, members=a.members - _member(e)),
}
