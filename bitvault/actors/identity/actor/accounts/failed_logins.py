"""Wrong passwords, counted in memory: bounded, and only for users there are."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from attrs import define, evolve, field, frozen

from bitvault.kernel.ids import TenantId, UserId

_WINDOW: Final = timedelta(minutes=1)
_MOST: Final = 10_000


@frozen
class FailedLogin:
    """How often somebody was refused as a user, since when, and from where the first time."""

    tenant_id: TenantId
    user_id: UserId
    count: int
    since: datetime
    address: str


@define(eq=False)
class FailedLogins:
    """A refused login writes nothing: it takes as long whether there is such a user or not."""

    unknown: int = 0
    """Refused as nobody that there is, since the start."""
    uncounted: int = 0
    """Refused while too many users were guessed at, since the start."""
    _counted: dict[tuple[TenantId, UserId], FailedLogin] = field(factory=dict)
    _taken: int = 0
    """How many are being published: there is room for them to come back."""

    def note(self, tenant_id: TenantId, user_id: UserId, address: str, now: datetime) -> None:
        """Count a wrong password."""
        key = tenant_id, user_id
        known = self._counted.get(key)
        if known is not None:
            self._counted[key] = evolve(known, count=known.count + 1)
        elif len(self._counted) + self._taken < _MOST:
            self._counted[key] = FailedLogin(tenant_id, user_id, 1, now, address)
        else:
            self.uncounted += 1

    def waiting(self, now: datetime) -> int:
        """Count those whose minute is over."""
        return sum(now - one.since >= _WINDOW for one in self._counted.values())

    def take_over(self, now: datetime, most: int) -> tuple[FailedLogin, ...]:
        """Take out some whose minute is over, to be published by nobody else."""
        over = (one for one in self._counted.values() if now - one.since >= _WINDOW)
        return self._take(tuple(islice(over, most)))

    def take_all(self) -> tuple[FailedLogin, ...]:
        """Take out all."""
        return self._take(tuple(self._counted.values()))

    def told(self) -> None:
        """Forget one that was taken out: it is published."""
        self._taken -= 1

    def put_back(self, failed: Iterable[FailedLogin]) -> None:
        """Count again what was not published, with what came meanwhile."""
        for one in failed:
            self._taken -= 1
            key = one.tenant_id, one.user_id
            later = self._counted.get(key)
            more = 0 if later is None else later.count
            self._counted[key] = evolve(one, count=one.count + more)

    def _take(self, failed: tuple[FailedLogin, ...]) -> tuple[FailedLogin, ...]:
        for one in failed:
            del self._counted[one.tenant_id, one.user_id]
        self._taken += len(failed)
        return failed
