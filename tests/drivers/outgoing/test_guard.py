"""Which URLs and addresses may be asked (X51)."""

import pytest

from bitvault.drivers.outgoing.guard import Allowed, check_address, target
from bitvault.drivers.outgoing.port import Blocked

NOBODY = Allowed()
PRIVATE = (
    "0.0.0.0",  # noqa: S104 - nothing is bound
    "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.168.1.1",
    "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1",
    "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:4136:e378::1", "2001:db8::1",
    "2002:7f00:1::1", "2002:808:808::1", "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%lo",
    "fec0::1", "ff02::1",
)  # fmt: skip
TRICKS = (
    "http://example.org/", "ftp://example.org/", "file:///etc/passwd", "gopher://example.org/",
    "javascript:alert(1)", "//example.org/", "example.org", "", "https://", "https:///path",
    "https://2130706433/", "https://0x7f000001/", "https://0x7f.1/", "https://017700000001/",
    "https://0177.0.0.1/", "https://127.1/", "https://127.0.1/", "https://1.2.3.4.5/",
    "https://example.0x/", "https://user@example.org/", "https://user:pw@example.org/",
    "https://example.org@127.0.0.1/", "https://example.org:22/", "https://example.org:80/",
    "https://example.org:99999/", "https://example.org:x/", "https://exam ple.org/",
    "https://example.org\\@127.0.0.1/", "https://example.org/\r\nHost: x", "https://[::1",
    "https://ex\u00e4mple.org/", "https://\uff11\uff12\uff17.0.0.1/", "https://example.org/#a",
    "https://a..b/", "https://.example.org/", "https://example.org../", "https://%6c%6f/",
    "https://-x.org/", "https://" + "a" * 64 + ".org/", "https://example.org/" + "a" * 3000,
)  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
@pytest.mark.requirement("X51")
def test_x51_no_private_address_is_dialled(address: str) -> None:
    """Private, special, and whatever stands for another address."""
    with pytest.raises(Blocked):
        check_address(address, NOBODY, is_known=False)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450::1"])
@pytest.mark.requirement("X51")
def test_x51_public_addresses_are_dialled(address: str) -> None:
    """What the internet is reached by."""
    check_address(address, NOBODY, is_known=False)


@pytest.mark.parametrize("url", TRICKS)
@pytest.mark.requirement("X51")
def test_x51_what_is_no_plain_https_url_is_blocked(url: str) -> None:
    """Schemes, ports, users, other spellings of addresses, and what is read in two ways."""
    with pytest.raises(Blocked):
        target(url, NOBODY)


def test_a_url_is_taken_apart_as_it_is_asked() -> None:
    """In one spelling: lowercase, without the last dot; literals are checked later."""
    found = target("HTTPS://Login.Example.ORG.:8443/a/b?c=d", NOBODY)
    assert (found.host, found.port, found.path) == ("login.example.org", 8443, "/a/b?c=d")
    assert target("https://[::1]/", NOBODY).host == "::1"
    assert target("https://xn--exmple-cua.org", NOBODY).path == "/"


def test_what_the_operator_allows_may_be_asked() -> None:
    """A name on any port and by plain HTTP, a network likewise; nothing beside them."""
    allowed = Allowed.of("idp.internal, 10.1.0.0/16, 127.0.0.1")
    assert target("http://idp.internal:8080/x", allowed).port == 8080
    assert target("http://127.0.0.1:9999/", allowed).port == 9999
    check_address("10.1.2.3", allowed, is_known=False)
    check_address("::ffff:10.1.2.3", allowed, is_known=False)
    check_address("192.168.0.1", allowed, is_known=True)
    for url in ("http://idp.internal.example.org/", "http://10.2.0.1/", "http://example.org/"):
        with pytest.raises(Blocked):
            target(url, allowed)
    with pytest.raises(Blocked):
        check_address("10.2.0.1", allowed, is_known=False)


@pytest.mark.parametrize("text", ["*", "10.0.0.0/33", "10.1.2.3/8", "http://x", "0x7f.1", "a b"])
def test_what_is_neither_host_nor_network_is_refused(text: str) -> None:
    """A slip in the setting opens nothing."""
    with pytest.raises(ValueError, match=r"\S"):
        Allowed.of(text)
