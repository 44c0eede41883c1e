"""Who comes with a credential."""

from typing import Final

from attrs import evolve

from bitvault.actors.sharing.contract import OpenLink, PasswordUnjudged
from bitvault.edge.capacity import Gate
from bitvault.edge.services import Services
from bitvault.kernel.principal import Principal

LINK_PREFIX: Final = "bvl_"
"""What a link's token begins with, so that no service is asked for what it does not have."""


async def open_link(link: OpenLink, services: Services, hashing: Gate) -> Principal:
    """Ask who comes with a link; its password is hashed only where there is room for that.

    Raises:
        Refused: what is said of a link that is not good.
        Rejected: ``overloaded``.
    """
    who = await services.ask(evolve(link, may_hash=False))
    if isinstance(who, PasswordUnjudged):
        with hashing.entered():
            who = await services.ask(link)
    if isinstance(who, Principal):
        return who
    raise AssertionError("a password that may be hashed is judged")
