"""An sso room over a real identity room and a real database, and a provider that may be hostile."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from argon2 import PasswordHasher
from attrs import define

from bitvault.actors.files.actor import Files, FilesOptions
from bitvault.actors.files.contract import DescribeUserUsage, SpaceUsage
from bitvault.actors.identity.actor import Identity
from bitvault.actors.identity.contract import (
    Authenticate,
    CreateTenant,
    OpenSession,
    OpenSessionOf,
    SecretIssued,
    User,
    Vouching,
)
from bitvault.actors.identity.rules import IdentityOptions
from bitvault.actors.sso.actor import Sso
from bitvault.actors.sso.contract import (
    AddProvider,
    BeginSignIn,
    FinishSignIn,
    LogOut,
    Provider,
    ProviderTerms,
    RedeemSignIn,
    SignInBegun,
    SignInFinished,
    SignInRedeemed,
)
from bitvault.drivers.limits.memory import MemoryLimits
from bitvault.drivers.outgoing.guard import Allowed
from bitvault.drivers.outgoing.guarded import GuardedOutgoing
from bitvault.drivers.passwords.argon2 import Argon2Passwords
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.drivers.postgres.port import Query
from bitvault.drivers.sealing.aesgcm import AesGcmSealing
from bitvault.kernel.principal import Caller, Origin, Principal
from bitvault.outbox import Outbox, Wakeups
from tests.actors.sharing.conftest import Asked
from tests.support.determinism import FixedClock, SequenceIds
from tests.support.issuer import Issuer, running_issuer, sha

ORIGIN = Origin("r", "192.0.2.1", "pytest")
PASSWORD = "correct horse"
VERIFIER = "client verifier, of 43 characters or more !!"
BACK = "http://127.0.0.1:5000/back"


@define(eq=False)
class House:
    """The tenant ``acme`` and its admin ``root``."""

    sso: Sso
    identity: Identity
    issuer: Issuer
    admin: Caller
    clock: FixedClock
    database: PostgresDatabase
    files: Files

    async def add(self, path: str = "/idp", **terms: Any) -> Provider:
        """Configure the issuer at a path."""
        wanted = ProviderTerms(
            **{"name": "Acme", "issuer": self.issuer.url + path, "client_id": "bv", **terms}
        )
        made = await self.sso.handle(AddProvider(self.admin, wanted, "s3cret"))
        assert isinstance(made, Provider), made
        return made

    async def begin(self, provider: Provider) -> SignInBegun:
        """Send a browser away."""
        asked = BeginSignIn(provider.provider_id, BACK, sha(VERIFIER), "client")
        begun = await self.sso.handle(asked)
        assert isinstance(begun, SignInBegun), begun
        return begun

    async def finish(self, provider: Provider, begun: SignInBegun, **parameters: str | None) -> Any:
        """Come back with a code; None leaves a parameter out."""
        state = self.issuer.grant(begun.location)
        given = {"state": state, "code": "good", "iss": provider.terms.issuer, **parameters}
        kept = {name: one for name, one in given.items() if one is not None}
        return await self.sso.handle(
            FinishSignIn(provider.provider_id, kept, begun.browser_secret, ORIGIN)
        )

    async def sign_in(self, provider: Provider, **parameters: str | None) -> dict[str, str]:
        """Go all the way; returns what the client is told."""
        finished = await self.finish(provider, await self.begin(provider), **parameters)
        assert isinstance(finished, SignInFinished), finished
        assert finished.location.startswith(f"{BACK}?")
        return {name: one[0] for name, one in parse_qs(urlsplit(finished.location).query).items()}

    async def session(self, told: dict[str, str]) -> SecretIssued:
        """Redeem a sign-in."""
        redeemed = await self.sso.handle(RedeemSignIn(told["code"], VERIFIER))
        assert isinstance(redeemed, SignInRedeemed), redeemed
        opened = await self.identity.handle(
            OpenSessionOf(
                redeemed.tenant_id,
                redeemed.user_id,
                ORIGIN,
                vouching=Vouching(str(redeemed.provider_id), redeemed.sid),
            )
        )
        assert isinstance(opened, SecretIssued), opened
        return opened

    async def home(self, user: User) -> SpaceUsage:
        """Look at what somebody's home may hold."""
        usage = await self.files.handle(DescribeUserUsage(self.admin, user.user_id))
        assert isinstance(usage, SpaceUsage), usage
        return usage

    async def log_out(self, provider: Provider, token: str) -> Any:
        """Say what the provider says."""
        return await self.sso.handle(LogOut(provider.provider_id, token, ORIGIN))

    async def is_in(self, session: SecretIssued) -> bool:
        """Say whether a session is still one."""
        who = await self.identity.handle(Authenticate(session.token, ORIGIN))
        return isinstance(who, Principal)

    async def events(self, kind: str) -> list[dict[str, Any]]:
        """Return what was told of a kind, oldest first."""
        rows = await self.rows("SELECT kind, payload::text FROM outbox.event ORDER BY seq")
        return [json.loads(row["payload"]) for row in rows if row["kind"] == kind]

    async def rows(self, sql: str) -> list[Any]:
        """Run a query in the tenant."""

        async def work(tx: Any) -> list[Any]:
            return [dict(row) for row in await tx.fetch(Query("test", sql, ()))]

        return await self.database.read(self.admin.tenant_id, work)


@pytest.fixture
def issuer(clock: FixedClock) -> Iterator[Issuer]:
    """Run a provider whose clock is the room's."""
    with running_issuer() as issuer:
        issuer.now = lambda: clock.now().timestamp()
        yield issuer


@pytest.fixture
async def house(
    database: PostgresDatabase, clock: FixedClock, ids: SequenceIds, issuer: Issuer
) -> House:
    """Return the rooms with a tenant in them."""
    passwords = Argon2Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    identity = Identity(database, passwords, clock, ids, MemoryLimits(), IdentityOptions())
    await identity.handle(CreateTenant("acme", "root", PASSWORD))
    opened = await identity.handle(OpenSession("acme", "root", PASSWORD, ORIGIN))
    admin = Caller(await identity.handle(Authenticate(opened.token, ORIGIN)), ORIGIN)
    outbox, options = Outbox(ids, clock, Wakeups()), FilesOptions(default_space_quota=10)
    # Nothing here asks the store.
    files = Files(database, outbox, Asked(None), clock, ids, options)  # type: ignore[arg-type]
    sso = Sso(
        database,
        outbox,
        Asked(identity),  # type: ignore[arg-type]  # asks as a Ref does
        Asked(files),  # type: ignore[arg-type]
        GuardedOutgoing(Allowed.of("127.0.0.1")),
        AesGcmSealing(b"k" * 32),
        clock,
        ids,
        lambda: "https://files.example.org",
    )
    sso.access.issuers.now = lambda: clock.now().timestamp()
    return House(sso, identity, issuer, admin, clock, database, files)
