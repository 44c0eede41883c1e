"""Addresses: one form for each mailbox, and nothing that is none."""

import pytest

from bitvault.actors.sso.contract import ProviderTerms
from bitvault.actors.sso.rules.sign_in import check_domain
from bitvault.actors.sso.rules.terms import checked
from bitvault.actors.sso.rules.tokens import Untrusted
from bitvault.kernel.mailbox import canonical, sender

KEPT = "ann@xn--mller-kva.example"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("ann@m\u00fcller.example", KEPT),
        ("ann@M\u00dcLLER.Example", KEPT),
        ("ann@mu\u0308ller.example", KEPT),
        ("ann@xn--mller-kva.example", KEPT),
        ("ann@XN--MLLER-KVA.example", KEPT),
        ("ann@m\u00fcller\u3002example", KEPT),
        ("ann@fa\u00df.example", "ann@xn--fa-hia.example"),
        ("ann@\u4f8b\u3048.jp", "ann@xn--r8jz45g.jp"),
        ("ann@\u0430pple.example", "ann@xn--pple-43d.example"),
        ("Ann@Example.ORG", "Ann@example.org"),
        ("ann@my--host.example", "ann@my--host.example"),
        ("ann@localhost", "ann@localhost"),
    ],
    ids=ascii,
)
def test_a_domain_is_kept_as_the_dns_has_it(typed: str, kept: str) -> None:
    """Every spelling of one domain is one address; one that only looks alike is another."""
    assert canonical(typed) == kept
    assert canonical(kept) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "@",
        "ann",
        "ann@",
        "@example.org",
        "ann@a@example.org",
        "\u00e9@example.org",
        "ann@\u2603.net",
        "ann@xn--a.example",
        "ann@m\u00fcller..example",
        "ann@-m\u00fcller.example",
        "ann@\ud800.example",
        "ann@example.org\n",
        "ann@m\u00fcller.example\r\nBcc: e@example.org",
        "ann@" + "\u00fc" * 64 + ".example",
        "ann@" + "\u00fc." * 120 + "example",
        "ann@" + "\u0661" * 300,
    ],
    ids=lambda typed: ascii(typed)[:24],
)
def test_what_is_no_address_is_none(typed: str) -> None:
    """Local parts are ASCII, and a domain is one that the DNS could have."""
    assert canonical(typed) is None


def test_a_sender_may_have_such_a_domain() -> None:
    """The operator's own setting too."""
    assert sender("BitVault <ann@m\u00fcller.example>") == ("BitVault", KEPT)


def test_a_provider_lets_in_a_domain_in_every_spelling() -> None:
    """Whether the directory writes it as people do, or as the DNS."""
    terms = ProviderTerms(
        "Acme", "https://id.example.org", "bv", email_domains=("M\u00fcller.example",)
    )
    kept = checked(terms)
    assert kept.email_domains == ("xn--mller-kva.example",)
    for email in (
        "ann@m\u00fcller.example",
        "ann@xn--mller-kva.example",
        "ann@MU\u0308LLER.EXAMPLE",
    ):
        check_domain({"email": email, "email_verified": True}, kept)
    with pytest.raises(Untrusted):
        check_domain({"email": "ann@muller.example", "email_verified": True}, kept)
