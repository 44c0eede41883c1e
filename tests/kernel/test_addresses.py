"""Addresses: what stands for one client, and lists of networks."""

import pytest

from bitvault.kernel.addresses import networks, parse, site, subscriber


@pytest.mark.parametrize(
    ("address", "stands_for"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix:" + "x" * 100, "unix:" + "x" * 59),
    ],
)
def test_a_client_is_an_address_or_its_subscribers_network(address: str, stands_for: str) -> None:
    """Who has a /64 has 2^64 addresses, and is one client for all of them."""
    assert subscriber(address) == stands_for


@pytest.mark.parametrize(
    ("address", "stands_for"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("::ffff:192.0.2.7", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("", ""),
    ],
)
def test_many_clients_may_be_of_one_hand(address: str, stands_for: str) -> None:
    """A /48 is 65,536 subscribers' networks, and one customer may have it."""
    assert site(address) == stands_for


def test_what_is_no_address_has_none() -> None:
    """Host names, ports and leading zeros are not addresses."""
    assert [parse(text) for text in ("localhost", "1.2.3.4:5", "010.0.0.1", "")] == [None] * 4


def test_a_list_may_name_addresses_and_networks() -> None:
    """Spaces do not count; a network must not have host bits."""
    assert [str(one) for one in networks(" 10.0.0.0/8, ::1 ,")] == ["10.0.0.0/8", "::1/128"]
    with pytest.raises(ValueError, match="host bits"):
        networks("10.0.0.1/8")
