"""Wrong passwords, counted in memory: bounded, and only for users there are."""

from datetime import datetime, timedelta
from typing import Final

from attrs import define, evolve, field, frozen

from bitvault.kernel.ids import TenantId, UserId

_WINDOW: Final = timedelta(minutes=1)
_MOST: Final = 10_000


@frozen
class Knock:
    """How often somebody was refused as a user, since when, and from where the first time."""

    tenant_id: TenantId
    user_id: UserId
    count: int
    since: datetime
    address: str


@define(eq=False)
class Knocks:
    """A refused login writes nothing: it takes as long whether there is such a user or not."""

    unknown: int = 0
    """Refused as nobody that there is, since the start."""
    uncounted: int = 0
    """Refused while too many users were guessed at, since the start."""
    _counted: dict[tuple[TenantId, UserId], Knock] = field(factory=dict)

    def note(self, tenant_id: TenantId, user_id: UserId, address: str, now: datetime) -> None:
        """Count a wrong password."""
        key = tenant_id, user_id
        known = self._counted.get(key)
        if known is not None:
            self._counted[key] = evolve(known, count=known.count + 1)
        elif len(self._counted) < _MOST:
            self._counted[key] = Knock(tenant_id, user_id, 1, now, address)
        else:
            self.uncounted += 1

    def over(self, now: datetime) -> tuple[Knock, ...]:
        """Return those whose minute is over."""
        return tuple(one for one in self._counted.values() if now - one.since >= _WINDOW)

    def every(self) -> tuple[Knock, ...]:
        """Return all."""
        return tuple(self._counted.values())

    def told(self, knock: Knock) -> None:
        """Forget what was published; what came in between begins a minute of its own."""
        key = knock.tenant_id, knock.user_id
        present = self._counted.pop(key)
        if present.count > knock.count:
            since = knock.since + _WINDOW
            self._counted[key] = evolve(present, count=present.count - knock.count, since=since)
