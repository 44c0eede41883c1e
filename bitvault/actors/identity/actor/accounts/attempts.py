"""Charging attempts to guess a secret, before the secret is looked at."""

from attrs import define

from bitvault.actors.identity.contract import TooManyAttempts
from bitvault.actors.identity.rules.guessing import Guess
from bitvault.drivers.limits.port import Limits
from bitvault.kernel.limits import Charge, seconds_to_wait
from bitvault.kernel.refusal import Refused


@define(eq=False)
class Attempts:
    """Takes first, so that attempts made at the same moment count as well."""

    limits: Limits

    async def take(self, charges: tuple[Charge, ...]) -> None:
        """Charge an attempt, or refuse it."""
        if wait := seconds_to_wait(await self.limits.take(charges)):
            raise Refused(TooManyAttempts(wait))

    async def take_guess(self, guess: Guess) -> tuple[Charge, ...]:
        """Charge a guess at an account's password, or refuse it; return what was charged."""
        await self.take(guess.near)
        if not seconds_to_wait(await self.limits.take((guess.account,))):
            return (*guess.near, guess.account)
        try:
            await self.take((guess.besieged,))
        except Refused:
            await self.limits.give_back(guess.near)
            raise
        return (*guess.near, guess.besieged)

    async def give_back(self, charges: tuple[Charge, ...]) -> None:
        """Forget an attempt that was none."""
        await self.limits.give_back(charges)
