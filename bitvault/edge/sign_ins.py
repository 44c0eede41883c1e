"""Taking the session of a sign-in: one service judges the client, another opens the session."""

from bitvault.actors.identity.contract import (
    OpenSessionOf,
    SecretIssued,
    Unauthenticated,
    Vouching,
)
from bitvault.actors.sso.contract import RedeemSignIn, SignInRefused
from bitvault.edge.services import Services
from bitvault.kernel.principal import Origin
from bitvault.kernel.refusal import Refused


async def redeem(
    services: Services, request: RedeemSignIn, origin: Origin, *, refreshable: bool
) -> SecretIssued:
    """Open the session of a sign-in.

    Raises:
        Refused: ``SignInRefused``, also where the user was disabled or deleted meanwhile.
    """
    redeemed = await services.ask(request)
    source = Vouching(str(redeemed.provider_id), redeemed.sid)
    place = redeemed.tenant_id, redeemed.user_id
    try:
        return await services.ask(OpenSessionOf(*place, origin, refreshable, vouching=source))
    except Refused as refused:
        if isinstance(refused.refusal, Unauthenticated):
            raise Refused(SignInRefused()) from refused
        raise
