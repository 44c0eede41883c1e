"""A command line whose session rotates, and the house it logs in at."""

from typing import Any

import pytest
from attrs import define

from bitvault.actors.identity.actor import Identity
from bitvault.actors.identity.contract import (
    Authenticate,
    CreateUser,
    ListCredentials,
    OpenSession,
    RefreshSession,
    SessionRefreshed,
)
from bitvault.kernel.principal import Caller, Origin
from tests.support.determinism import FixedClock

PASSWORD = "correct horse"
LAPTOP = Origin("r", "192.0.2.1", "bitvault/1")
THIEF = Origin("r", "203.0.113.5", "curl/8")
HOUR, GRACE = 3600, 10


@define
class Machine:
    """A command line whose session rotates."""

    room: Identity
    clock: FixedClock
    token: str
    refresh: str

    async def who(self, token: str | None = None) -> Any:
        """Say whose token it is, past what is remembered for a second."""
        self.room.principals._known.clear()
        return await self.room.handle(Authenticate(token or self.token, LAPTOP))

    async def ask(self, refresh: str | None = None, origin: Origin = LAPTOP) -> Any:
        """Present a refresh token, the present one by default."""
        return await self.room.handle(RefreshSession(refresh or self.refresh, origin))

    async def go_on(self) -> SessionRefreshed:
        """Refresh, and keep what is answered."""
        answer = await self.ask()
        assert isinstance(answer, SessionRefreshed)
        self.token, self.refresh = answer.token, answer.rotation.refresh_token
        return answer


@define
class House:
    """The room, its admin, and ann with a rotating session besides her ordinary one."""

    room: Identity
    clock: FixedClock
    admin: Caller
    ann: Caller
    machine: Machine

    async def sessions(self) -> list[Any]:
        """List ann's sessions."""
        return list(await self.room.handle(ListCredentials(self.ann, "session")))


async def machine_of(
    room: Identity, clock: FixedClock, login: str = "ann", tenant: str = "acme"
) -> Machine:
    """Log in as the command line does."""
    request = OpenSession(tenant, login, PASSWORD, LAPTOP, is_refreshable=True)
    opened = await room.handle(request)
    return Machine(room, clock, opened.token, opened.rotation.refresh_token)


async def caller(room: Identity, login: str, tenant: str = "acme") -> Caller:
    """Log in as a browser does."""
    opened = await room.handle(OpenSession(tenant, login, PASSWORD, LAPTOP))
    return Caller(await room.handle(Authenticate(opened.token, LAPTOP)), LAPTOP)


@pytest.fixture
async def house(identity: Identity, clock: FixedClock) -> House:
    """Return it."""
    admin = await caller(identity, "root")
    await identity.handle(CreateUser(admin, "ann", PASSWORD))
    ann = await caller(identity, "ann")
    return House(identity, clock, admin, ann, await machine_of(identity, clock))
