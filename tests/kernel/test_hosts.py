"""Addresses tell who can reach them."""

import pytest

from bitvault.kernel.hosts import beside, host_of, is_loopback, is_wildcard, seen_from_here


@pytest.mark.parametrize(
    ("address", "loopback", "wildcard"),
    [
        ("127.0.0.1:8080", True, False),
        ("127.9.9.9:1", True, False),
        ("localhost:8080", True, False),
        ("[::1]:8080", True, False),
        ("http://[::1]:8081/x", True, False),
        ("0.0.0.0:8080", False, True),
        ("[::]:8080", False, True),
        ("192.168.1.5:8080", False, False),
        ("https://files.example.org", False, False),
    ],
)
def test_an_address_is_of_one_kind(address: str, loopback: bool, wildcard: bool) -> None:  # noqa: FBT001 - a table
    """Loopback is for this machine, a wildcard for all of its addresses."""
    host = host_of(address)

    assert (is_loopback(host), is_wildcard(host)) == (loopback, wildcard)


def test_another_port_keeps_the_host() -> None:
    """Brackets too."""
    assert beside("[::]:8080", 8081) == "[::]:8081"


def test_a_wildcard_is_reached_over_loopback() -> None:
    """No client can connect to every address at once."""
    assert seen_from_here("http://0.0.0.0:8081") == "http://127.0.0.1:8081"
    assert seen_from_here("http://[::]:8081") == "http://[::1]:8081"
    assert seen_from_here("http://10.0.0.7:8081") == "http://10.0.0.7:8081"
