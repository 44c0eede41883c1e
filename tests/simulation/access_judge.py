"""Judges what clients said and saw of who may do what against the oracle's states.

What was done is in the journal, and was allowed in the state just before it: whoever may share is
held to that by the transaction itself (ADR-0018). What was refused is not in it. A look may come
from any state between its question and its answer. Who somebody is (groups, and whether they are
disabled) may be known as it was a second before, unless it was changed by a request that this same
machine had answered by then.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from uuid import UUID

from attrs import evolve, field, frozen

from tests.simulation.model import Event
from tests.simulation.rights import MANAGER, RANKS, Moment
from tests.simulation.sharing import Act, Look, Said

_STALE = 1.1
"""Virtual seconds that an answer about who somebody is may be old, and its way."""
_KINDS: Mapping[str, str] = {
    "share": "share.granted",
    "unshare": "share.revoked",
    "restrict": "share.restricted",
    "lift": "share.unrestricted",
    "link": "share.link_created",
    "cut": "share.link_changed",
    "revive": "share.link_changed",
    "join": "group.joined",
    "leave": "group.left",
    "disable": "user.changed",
    "enable": "user.changed",
}


@frozen
class AccessJudge:
    """One tenant's states, and what was said and seen in it."""

    events: Sequence[Event]
    moments: Sequence[Moment]
    said: Said
    clock: Sequence[tuple[float, int]]
    """Virtual times at which a seq was the journal's last."""
    is_alone: bool
    """Whether there is one machine: it forgets at once who was changed there."""
    broken: list[str] = field(factory=list)
    seen: list[str] = field(factory=list)
    """Sometimes-counters."""

    def judge(self) -> list[str]:
        """Return everything that cannot have been."""
        for act in self.said.acts:
            self._act(act)
        for look in self.said.looks:
            self._look(look)
        return self.broken

    # What was said

    def _act(self, act: Act) -> None:
        mine = [e for e in self.events if e.request == act.request and e.kind == _KINDS[act.kind]]
        if not act.hi:
            return  # a run that ended before its answer
        window = self._views(act, act.hi)
        if act.code:
            if mine and not act.interrupted:
                self._say("A5", f"{act.request} was refused ({act.code}), and changed something")
            elif not mine and not self._is_possible(act, window):
                self._say("A5", f"{act.request} {act} was refused without a reason")
        elif not any(_holds(m, act) for m in self.moments[act.lo : act.hi + 1]):
            self._say("A4", f"{act.request} was answered, and is not in the journal: {act}")
        for event in mine:
            if not any(_may(moment, act) for moment in self._just_before(act, event)):
                self._say("A5", f"{act.request} may not be done by who did it: {event}")

    def _is_possible(self, act: Act, window: Sequence[Moment]) -> bool:
        """Say whether some state explains a refusal."""
        if act.code == "unauthenticated":
            since = self.moments[act.session : act.hi + 1]
            return any(act.who in moment.access.disabled for moment in since)
        return act.code in {code for moment in window for code in _refusals(moment, act)}

    # What was seen

    def _look(self, look: Look) -> None:
        if look.kind in ("shut out", "logged in"):
            self._session(look)
            return
        if look.kind not in ("let in", "guest", "explain") and not self._alive(look):
            self._say("A1", f"{look.request} {look.who} was let in with a session that had ended")
        expected = [
            _SEEN[look.kind](moment, self._ids(look, who), look)
            for moment in self.moments[look.lo : look.hi + 1]
            for who in self._who(look)
        ]
        if look.kind == "check" and look.answer == 0 and self._is_held(look):
            self.seen.append("a restricted folder held somebody")
        if look.answer not in expected:
            number = {"check": "A6", "explain": "A2", "shared": "A3"}.get(look.kind, "A1")
            told = f"{look.request} {look.kind} {look.node} as {look.who}"
            self._say(number, f"{told}: {look.answer}, not one of {expected[:3]}")

    def _is_held(self, look: Look) -> bool:
        """Say whether only a restriction keeps somebody from a node."""
        moment = self.moments[look.hi]
        free = evolve(moment, access=evolve(moment.access, restricted=frozenset()))
        return free.rank(self._ids(look, moment), look.node) > 0

    def _ids(self, look: Look, who: Moment) -> set[UUID]:
        if look.kind in ("let in", "guest"):
            return {look.who}
        return set(who.access.identities(look.who))

    def _alive(self, look: Look) -> bool:
        """Say whether the session may have been there: being disabled ends it for good."""
        first = min(look.session[1], look.lo)
        kept = self.moments[first : self._known(look) + 1]
        return not any(look.who in moment.access.disabled for moment in kept)

    def _session(self, look: Look) -> None:
        first = look.session[0] if look.answer == "session" else look.lo
        states = [look.who in m.access.disabled for m in self.moments[first : look.hi + 1]]
        if not (not all(states) if look.kind == "logged in" else any(states)):
            self._say("A1", f"{look.request} {look.who} {look.kind}, and nobody had a reason")

    def _just_before(self, act: Act, event: Event) -> list[Moment]:
        """Return the state before an event, with what may have been known of the groups."""
        return self._views(act, event.seq - 1, first=event.seq - 1)

    def _views(self, act: Act, hi: int, first: int | None = None) -> list[Moment]:
        """Return every state there may have been, with what may have been known of the groups."""
        known = {m.access.members for m in self.moments[self._known(act) : hi + 1]}
        return [
            evolve(moment, access=evolve(moment.access, members=members))
            for moment in self.moments[act.lo if first is None else first : hi + 1]
            for members in sorted(known, key=sorted)
        ]

    def _who(self, look: Look) -> Sequence[Moment]:
        """Return the states that may have been known of who somebody is."""
        if look.kind in ("let in", "guest", "explain"):
            return self.moments[look.lo : look.hi + 1]
        return self.moments[self._known(look) : look.hi + 1]

    def _known(self, look: Look | Act) -> int:
        """Return the first seq at which it may have been seen who somebody is."""
        told = max((seq for at, seq in self.clock if at <= look.began - _STALE), default=0)
        settled = {act.request for act in self.said.acts if 0 < act.ended <= look.began}
        for event in self.events[told : look.lo]:
            if event.kind.startswith(("group.", "user.")) and not (
                self.is_alone and event.request in settled
            ):
                return event.seq - 1
        return look.lo

    def _say(self, number: str, what: str) -> None:
        self.broken.append(f"{number} {what}")


def _rank(moment: Moment, act: Act) -> int:
    link = moment.access.links.get(act.grantee)
    return moment.rank(moment.access.identities(act.who), link.node if link else act.node)


def _holds(moment: Moment, act: Act) -> bool:
    """Say whether what an act is about is so."""
    access = moment.access
    node, grantee = act.node, act.grantee
    link = access.links.get(grantee)
    return {
        "share": lambda: access.given.get((node, grantee)) == RANKS.index(act.rank),
        "unshare": lambda: (node, grantee) not in access.given,
        "restrict": lambda: node in access.restricted,
        "lift": lambda: node not in access.restricted,
        "link": lambda: any(one.node == node for one in access.links.values()),
        "cut": lambda: link is not None and link.is_revoked,
        "revive": lambda: link is not None and not link.is_revoked,
        "join": lambda: (node, grantee) in access.members,
        "leave": lambda: (node, grantee) not in access.members,
        "disable": lambda: grantee in access.disabled,
        "enable": lambda: grantee not in access.disabled,
    }[act.kind]()


def _may(moment: Moment, act: Act) -> bool:
    """Say whether whoever did it may."""
    if act.kind in ("join", "leave", "disable", "enable"):
        return act.who == moment.admin
    own = act.kind == "unshare" and act.grantee == act.who
    return own or _rank(moment, act) == MANAGER


def _refusals(moment: Moment, act: Act) -> Iterator[str]:
    """Yield why it may be refused."""
    if act.kind in ("join", "leave", "disable", "enable"):
        if act.who != moment.admin:
            yield "forbidden"
        return
    rank = _rank(moment, act)
    if rank == 0:
        yield "link_not_found" if act.kind in ("cut", "revive") else "node_not_found"
    if 0 < rank < MANAGER:
        yield "forbidden"
    if act.kind == "unshare" and (act.node, act.grantee) not in moment.access.given:
        yield "grant_not_found"
    node = moment.tree.nodes.get(act.node)
    if act.kind in ("restrict", "lift") and node is not None and node.kind == "file":
        yield "invalid"


def _explained(moment: Moment, _: set[UUID], look: Look) -> Mapping[object, str]:
    """Return everybody's role at a node, by whom it is given to."""
    access, found = moment.access, {}
    grantees = {grantee for _, grantee in access.given} | set(access.links) | set(moment.logins)
    for grantee in grantees:
        rank = moment.rank({grantee}, look.node)
        if rank:
            found[grantee] = RANKS[rank]
    return found


_SEEN: Mapping[str, Callable[..., object]] = {
    "see": lambda m, ids, look: m.rank(ids, look.node) > 0,
    "guest": lambda m, ids, look: m.rank(ids, look.node, is_inside=True) > 0,
    "check": lambda m, ids, look: m.rank(ids, look.node),
    "list": lambda m, ids, look: m.names(ids, look.node),
    "shared": lambda m, ids, _: {one: RANKS[rank] for one, rank in m.shared(ids).items()},
    "let in": lambda m, ids, look: _is_good(m, look),
    "explain": _explained,
}


def _is_good(moment: Moment, look: Look) -> bool:
    link = moment.access.links.get(look.who)
    return link is not None and moment.is_good(link)
