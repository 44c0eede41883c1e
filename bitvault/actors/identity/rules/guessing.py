"""How many wrong guesses are too many."""

from attrs import frozen

from bitvault.actors.identity.rules import IdentityOptions
from bitvault.kernel.addresses import site, subscriber
from bitvault.kernel.limits import Charge, Limit
from bitvault.kernel.principal import Principal


@frozen
class Guess:
    """What one guess at a password is charged to, before the password is looked at.

    Attributes:
        near: By whom it is made: this network at this account, and this network at all of them.
        account: The account, from wherever.
        besieged: Stands in for ``account`` once that is used up, by guesses from many networks:
            each network then has one guess, and the next much later. So an account cannot be
            closed to its owner from elsewhere, and many networks do not guess much faster.
    """

    near: tuple[Charge, ...]
    account: Charge
    besieged: Charge


def login_guess(options: IdentityOptions, account: str, address: str) -> Guess:
    """Return what a guess from an address at an account is charged to."""
    network, slow = subscriber(address), 1 / options.guess_seconds
    pair = Limit("pair", slow, options.guesses)
    return Guess(
        near=(
            Charge(f"login pair {network} {account}", pair),
            Charge(f"login network {network}", Limit("network", 5 * slow, 5 * options.guesses)),
        ),
        account=Charge(
            f"login account {account}", Limit("account", 10 * slow, 10 * options.guesses)
        ),
        besieged=Charge(f"login siege {network} {account}", Limit("siege", slow / 10, 1)),
    )


def reset_charges(account: str, address: str) -> tuple[Charge, ...]:
    """Return what the question for a new password is charged to: nobody is flooded with mail."""
    network = subscriber(address)
    return (
        Charge(f"reset account {account}", Limit("resets", 1 / 600, 3)),
        Charge(f"reset network {network}", Limit("reset network", 1 / 60, 20)),
        Charge(f"reset site {site(address)}", Limit("reset site", 1 / 12, 100)),
    )


def own_guess(options: IdentityOptions, principal: Principal) -> tuple[Charge, ...]:
    """Return what a guess at one's own password is charged to: a stolen session may try it."""
    key = f"password {principal.tenant_id} {principal.user_id}"
    return (Charge(key, Limit("password", 1 / options.guess_seconds, options.guesses)),)
