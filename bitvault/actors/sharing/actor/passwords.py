"""Passwords of links: hashed when they are set, compared as seldom as can be."""

import hashlib
from collections import OrderedDict
from typing import Final

from attrs import define, field

from bitvault import text
from bitvault.actors.sharing.contract.links import LinkPasswordNeeded, OpenLink, TooManyGuesses
from bitvault.actors.sharing.rules import links as rules
from bitvault.drivers.limits.port import Limits
from bitvault.drivers.passwords.port import Passwords
from bitvault.drivers.postgres.port import Row
from bitvault.kernel.limits import seconds_to_wait
from bitvault.kernel.refusal import Refused

_KEPT: Final = 10_000


@define(eq=False)
class LinkPasswords:
    """Counts guesses, and remembers what fitted."""

    passwords: Passwords
    limits: Limits
    _verified: OrderedDict[tuple[str, bytes], None] = field(factory=OrderedDict, init=False)
    """Password hashes, and digests of what was found to fit: a guest sends it every time."""

    async def hash(self, password: str | None) -> str | None:
        """Return what is stored of a password, or of none."""
        return None if password is None else await self.passwords.hash(password)

    async def check(self, row: Row, message: OpenLink) -> bool:
        """Refuse a wrong password; False: it is unknown yet, and must not be hashed now."""
        phc, password = row["password_hash"], message.password
        if phc is None:
            return True
        if password is None:
            raise Refused(LinkPasswordNeeded())
        fit = (phc, hashlib.sha256(password.encode(errors="replace")).digest())
        if fit in self._verified:
            self._verified.move_to_end(fit)
            return True
        if not message.may_hash:
            return False
        charges = rules.guess(row["link_id"], message.origin.address)
        if wait := seconds_to_wait(await self.limits.take(charges)):
            raise Refused(TooManyGuesses(wait))
        form = text.normal(password) if row["password_is_nfc"] else password
        if not await self.passwords.verify(phc, form):
            raise Refused(LinkPasswordNeeded())
        await self.limits.give_back(charges)
        self._verified[fit] = None
        if len(self._verified) > _KEPT:
            self._verified.popitem(last=False)
        return True
