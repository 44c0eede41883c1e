"""What a lie must not do: let anybody in, or make anything."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.actors.sso.conftest import House


@asynccontextmanager
async def nobody_comes_in(house: House) -> AsyncIterator[None]:
    """Expect no user, session, group, identity or ticket more than before."""
    tables = (
        "identity.account", "identity.credential", "identity.membership", "identity.user_group",
        "identity.external_identity", "sso.ticket",
    )  # fmt: skip
    before = [await house.rows(f"SELECT * FROM {table}") for table in tables]  # noqa: S608 - ours
    yield
    assert [await house.rows(f"SELECT * FROM {table}") for table in tables] == before  # noqa: S608


async def refused(house: House, **parameters: str | None) -> None:
    """Expect that a sign-in ends with an error, and that the admins are told why."""
    provider = await house.add()
    async with nobody_comes_in(house):
        told = await house.sign_in(provider, **parameters)
    assert told == {"error": "sign_in_refused", "state": "client"}
    events = await house.rows("SELECT kind FROM outbox.event ORDER BY seq DESC LIMIT 1")
    assert events == [{"kind": "provider.sign_in_refused"}]
