"""An identity room over a real database, with cheap but real argon2id."""

from typing import Any

import pytest
from argon2 import PasswordHasher

from bitvault.actors.identity.actor import Identity
from bitvault.actors.identity.contract import (
    Authenticate,
    CreateTenant,
    OpenSession,
    ProvisionedUser,
    ProvisionUser,
    SecretIssued,
    User,
)
from bitvault.actors.identity.rules import IdentityOptions
from bitvault.drivers.limits.memory import MemoryLimits
from bitvault.drivers.passwords.argon2 import Argon2Passwords
from bitvault.drivers.postgres.port import Database
from bitvault.kernel.principal import Caller, Origin
from tests.support.determinism import FixedClock, SequenceIds

ORIGIN = Origin("r", "192.0.2.1", "pytest")
PASSWORD = "correct horse"


@pytest.fixture
async def identity(database: Database, clock: FixedClock, ids: SequenceIds) -> Identity:
    """Return a room with the tenant ``acme`` and its admin ``root``."""
    passwords = Argon2Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    room = Identity(database, passwords, clock, ids, MemoryLimits(), IdentityOptions(guesses=3))
    created = await room.handle(CreateTenant("acme", "root", PASSWORD))
    assert isinstance(created, User)
    return room


@pytest.fixture
async def session(identity: Identity) -> SecretIssued:
    """Return a session of ``root``."""
    opened = await identity.handle(OpenSession("acme", "root", PASSWORD, ORIGIN))
    assert isinstance(opened, SecretIssued)
    return opened


@pytest.fixture
async def admin(identity: Identity, session: SecretIssued) -> Caller:
    """Be ``root``."""
    return Caller(await identity.handle(Authenticate(session.token, ORIGIN)), ORIGIN)


async def log_in(room: Identity, login: str, tenant: str = "acme") -> Any:
    """Open a session; return it, or the refusal."""
    return await room.handle(OpenSession(tenant, login, PASSWORD, ORIGIN))


async def be(room: Identity, login: str, tenant: str) -> Caller:
    """Log in."""
    opened = await log_in(room, login, tenant)
    return Caller(await room.handle(Authenticate(opened.token, ORIGIN)), ORIGIN)


@pytest.fixture
async def provisioned(identity: Identity, admin: Caller) -> ProvisionedUser:
    """Return a user that the directory made."""
    made = await identity.handle(ProvisionUser(admin, "ann", "ext-1", "Ann"))
    assert isinstance(made, ProvisionedUser)
    return made
