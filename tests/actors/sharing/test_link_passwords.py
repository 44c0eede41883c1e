"""Passwords of links: what fits, what a guess costs, and when one ends."""

import pytest

from bitvault.actors.sharing.contract import (
    ChangeLink,
    LinkPasswordNeeded,
    LinkTerms,
    OpenLink,
    PasswordUnjudged,
    TooManyGuesses,
)
from bitvault.drivers.passwords.argon2 import Argon2Passwords
from bitvault.drivers.postgres.port import Query
from bitvault.kernel.ids import NodeId
from bitvault.kernel.principal import Caller, Origin, Principal
from tests.actors.sharing.conftest import Company
from tests.actors.sharing.test_links import ORIGIN, come, make, top
from tests.support.passwords import CountingHasher
from tests.support.rewiring import rewire

__all__ = ["top"]

APART, COMPOSED = "ope\u0301n se\u0301same", "op\u00e9n s\u00e9same"
_AS_IT_CAME = Query(
    "as it came",
    "UPDATE sharing.link SET password_hash = $3, password_is_nfc = FALSE"
    " WHERE tenant_id = $1 AND link_id = $2",
    ("tenant", "link_id", "phc"),
)


@pytest.mark.requirement("X33")
async def test_wrong_passwords_are_counted_and_right_ones_are_not(
    company: Company, top: NodeId
) -> None:
    """Ten wrong ones from an address have it wait; who knows the password is let in elsewhere."""
    issued = await make(company, top, password="open sesame")
    assert await come(company, issued) == LinkPasswordNeeded()
    assert isinstance(await come(company, issued, "open sesame"), Caller)
    wrong = [await come(company, issued, f"wrong {number}") for number in range(11)]

    assert wrong[:10] == [LinkPasswordNeeded()] * 10
    assert isinstance(wrong[10], TooManyGuesses)
    assert isinstance(await come(company, issued, "open sesame"), Caller)
    elsewhere = OpenLink(issued.token, "open sesame", Origin("r", "198.51.100.7", "pytest"))
    assert isinstance(await company.sharing.handle(elsewhere), Principal)


@pytest.mark.requirement("X33")
async def test_a_password_is_judged_without_hashing_only_if_it_is_known(
    company: Company, top: NodeId
) -> None:
    """Who may not have it hashed is told nothing of it, and no guess is counted."""
    issued = await make(company, top, password="open sesame")
    for _ in range(20):
        for password in ("open sesame", "a wrong one"):
            asked = OpenLink(issued.token, password, ORIGIN, may_hash=False)
            assert await company.sharing.handle(asked) == PasswordUnjudged()
    assert isinstance(await come(company, issued, "open sesame"), Caller)
    known = OpenLink(issued.token, "open sesame", ORIGIN, may_hash=False)
    assert isinstance(await company.sharing.handle(known), Principal)


@pytest.mark.requirement("X34")
async def test_a_changed_password_ends_the_old_one(company: Company, top: NodeId) -> None:
    """What was found to fit before does not fit any more."""
    issued = await make(company, top, password="open sesame")
    assert isinstance(await come(company, issued, "open sesame"), Caller)
    terms = LinkTerms(password="another one")
    asked = ChangeLink(
        company.caller("ann"), issued.link.link_id, terms, keeps_password=False, is_revoked=False
    )
    await company.sharing.handle(asked)

    assert await come(company, issued, "open sesame") == LinkPasswordNeeded()
    assert isinstance(await come(company, issued, "another one"), Caller)


@pytest.fixture
def hasher(company: Company) -> CountingHasher:
    """Have the passwords of links compared by one that counts."""
    hasher = CountingHasher(time_cost=1, memory_cost=8, parallelism=1)
    rewire(company.sharing, passwords=Argon2Passwords(hasher))
    return hasher


@pytest.mark.requirement("X33")
async def test_a_password_fits_in_every_composition_for_one_hash(
    company: Company, top: NodeId, hasher: CountingHasher
) -> None:
    """Some keyboards send letters and accents apart; no guess costs more for it, or counts less."""
    issued = await make(company, top, password=APART)
    for password in (COMPOSED, APART):
        assert isinstance(await come(company, issued, password), Caller)
    assert len(hasher.compared) == 2
    wrong = [await come(company, issued, f"{APART} {number}") for number in range(11)]

    assert wrong[:10] == [LinkPasswordNeeded()] * 10
    assert isinstance(wrong[10], TooManyGuesses)
    assert len(hasher.compared) == 12


async def test_a_password_of_an_earlier_release_fits_as_it_was_set(
    company: Company, top: NodeId, hasher: CountingHasher
) -> None:
    """It was hashed as it came, and is compared so; set again it fits in every form."""
    issued = await make(company, top, password="open sesame")
    named = {"tenant": company.tenant_id, "link_id": issued.link.link_id}
    phc = await company.sharing.passwords.hash(APART)
    done = company.sharing.database.transact(
        company.tenant_id, lambda tx: tx.execute(_AS_IT_CAME, **named, phc=phc)
    )
    assert await done == 1

    assert isinstance(await come(company, issued, APART), Caller)
    assert await come(company, issued, COMPOSED) == LinkPasswordNeeded()
    assert len(hasher.compared) == 2
    terms = LinkTerms(password=APART)
    again = ChangeLink(
        company.caller("ann"), issued.link.link_id, terms, keeps_password=False, is_revoked=False
    )
    await company.sharing.handle(again)
    for password in (COMPOSED, APART):
        assert isinstance(await come(company, issued, password), Caller)
