"""What was looked up a moment ago, and is forgotten at once."""

from uuid import UUID

from bitvault.actors.identity.actor.principals import CACHE_SECONDS, Principals
from bitvault.kernel.ids import TenantId, UserId
from bitvault.kernel.principal import Principal

ACME, GLOBEX = TenantId(UUID(int=1)), TenantId(UUID(int=2))


def principal(number: int, tenant_id: TenantId = ACME) -> Principal:
    """Return a user."""
    return Principal(tenant_id, UserId(UUID(int=number)), "u", False, UUID(int=number))


def test_who_is_forgotten_is_forgotten_with_every_token_and_nobody_else() -> None:
    """One user, several, or all of a tenant."""
    cache = Principals()
    for name, one in ((b"a", 1), (b"b", 1), (b"c", 2), (b"d", 3), (b"e", 4)):
        cache.keep(name, principal(one, GLOBEX if name == b"e" else ACME), 0.0, 0)

    cache.forget(ACME, UserId(UUID(int=1)))
    assert [cache.get(name, 0.5) is None for name in (b"a", b"b", b"c")] == [True, True, False]
    cache.forget(ACME, UserId(UUID(int=2)), UserId(UUID(int=9)))
    assert [cache.get(name, 0.5) is None for name in (b"c", b"d", b"e")] == [True, False, False]
    cache.forget_tenant(ACME)
    assert [cache.get(name, 0.5) is None for name in (b"d", b"e")] == [True, False]
    assert cache.revocations == 3


def test_what_was_read_before_a_revocation_is_not_kept() -> None:
    """Whoever it was about: what is read again is known anew."""
    cache = Principals()
    cache.keep(b"a", principal(1), 0.0, 0)
    cache.forget(ACME, UserId(UUID(int=2)))
    cache.keep(b"a", principal(1), 0.1, 0)
    assert cache.get(b"a", 0.2) is None
    cache.keep(b"a", principal(1), 0.1, 1)
    assert cache.get(b"a", 0.2) == principal(1)


def test_what_is_of_no_use_any_more_is_not_held() -> None:
    """Neither what is older than a second, nor more than there is room for."""
    cache = Principals()
    for number in range(20_000):
        cache.keep(number.to_bytes(4, "big"), principal(number), 0.0, 0)
    assert len(cache._known) == 10_000
    cache.keep(b"new", principal(7), CACHE_SECONDS, 0)
    assert list(cache._known) == [b"new"]
    assert cache._digests == {ACME: {UserId(UUID(int=7)): {b"new"}}}
