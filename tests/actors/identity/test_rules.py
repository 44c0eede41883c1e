"""Names, passwords, tokens and guesses: rules without I/O."""

import pytest

from bitvault.actors.identity import rules
from bitvault.actors.identity.rules.tokens import new_token, token_digest
from bitvault.kernel.refusal import Refused
from tests.support.determinism import SequenceIds


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        " ann",
        "ann ",
        "a\0b",
        "a\nb",
        "\ud800",
        "x" * 129,
        "é" * 65,
        "cod\u202efdp",
        "\u2066x",
    ],
)
def test_a_bad_name_is_refused_by_field(name: str) -> None:
    """The refusal names the field."""
    with pytest.raises(Refused) as caught:
        rules.checked_name("login", name)

    assert caught.value.refusal.detail.startswith("login: must ")


@pytest.mark.parametrize("other", ["ANN", "ann", "Ann"])
def test_case_does_not_make_another_login(other: str) -> None:
    """One key for all spellings."""
    assert rules.name_key(other) == rules.name_key("ann")


def test_composition_does_not_make_another_login_or_password() -> None:
    """NFC and NFD of the same text are the same."""
    assert rules.name_key("Zoe\u0308") == rules.name_key("zo\u00eb")
    assert rules.normal_password("zoe\u0308 zoe\u0308") == rules.normal_password(
        "zo\u00eb zo\u00eb"
    )


@pytest.mark.requirement("X13")
@pytest.mark.parametrize("password", ["", "short", "x" * 1025, "password\0", "password\udfff"])
def test_a_bad_password_is_refused(password: str) -> None:
    """Too short, too long, or not text."""
    with pytest.raises(Refused):
        rules.checked_password("password", password)


@pytest.mark.requirement("X13")
@pytest.mark.parametrize("password", ["8 letter", "пароль-пароль", "🔑" * 8, "x" * 1024])
def test_any_text_is_a_password(password: str) -> None:
    """Every alphabet is welcome."""
    assert rules.checked_password("password", password) == password


@pytest.mark.requirement("X12")
def test_a_token_carries_256_bits_and_a_checksum() -> None:
    """One changed character is known for a forgery without asking the database."""
    token = new_token(SequenceIds().secret(32))
    flipped = [token[:at] + "~" + token[at + 1 :] for at in range(len(token))]

    assert token.startswith("bv_")
    assert len(token) == 3 + 43 + 6
    assert token_digest(token) is not None
    assert {token_digest(forged) for forged in flipped} == {None}


@pytest.mark.requirement("X12")
@pytest.mark.parametrize("token", ["", "bv_", "bv_x", "\ud800", "Bearer x", "bv_" + "é" * 49])
def test_what_is_no_token_has_no_digest(token: str) -> None:
    """Any text may be sent as a token."""
    assert token_digest(token) is None
