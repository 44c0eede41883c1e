"""Whom an operation serves: by scope, by what the caller came with, and by their tenant's state."""

from enum import IntEnum

import attrs

from bitvault.actors.identity.contract import InsufficientScope, TenantSuspended
from bitvault.kernel.principal import Principal, Scope
from bitvault.kernel.refusal import Forbidden, Refused


class Audience(IntEnum):
    """Who is served; each also serves those before it."""

    USERS = 0
    CONFINED = 1
    """Tokens that are confined to a file or folder: it does what it does to nodes it is told of."""
    GUESTS = 2
    """Callers who come with a link."""
    ANYBODY = 3
    """Callers without a credential."""


@attrs.frozen
class Admission:
    """What an operation asks of its callers.

    Attributes:
        scope: What a credential must be good for; an operation that does not say serves nobody.
        audience: Who is served.
        is_change: Changes something; one's own security aside, not while a tenant is suspended.
    """

    scope: Scope | None
    audience: Audience
    is_change: bool

    @property
    def when_suspended(self) -> bool:
        """Say whether it serves the users of a suspended tenant: what leaves that as it is does."""
        return not (self.is_change and self.scope in {Scope.WRITE, Scope.ADMIN})

    def serves(self, scope: Scope) -> bool:
        """Say whether a credential of that scope is enough."""
        return self.scope is not None and scope >= self.scope

    def admits(self, who: Principal) -> bool:
        """Say whether it is for those who know one node only, if ``who`` is one of them."""
        if who.is_guest:
            return self.audience >= Audience.GUESTS
        return not who.confined_to or self.audience >= Audience.CONFINED

    def check(self, who: Principal) -> None:
        """Refuse a caller whom the operation does not serve.

        Raises:
            Refused: ``Forbidden``, ``InsufficientScope`` or ``TenantSuspended``.
        """
        if not self.admits(who):
            how = "a link" if who.is_guest else "a confined token"
            raise Refused(Forbidden(f"do this with {how}"))
        if not self.serves(who.scope):
            raise Refused(InsufficientScope((self.scope or Scope.ACCOUNT).name.lower()))
        if who.is_suspended and not self.when_suspended:
            raise Refused(TenantSuspended())
