"""What each message is called when it travels or is stored; a tag stays, a class may be renamed."""

from collections.abc import Mapping
from typing import Final

from bitvault.actors.sso.contract.providers import (
    AddProvider,
    ChangeProvider,
    GetProvider,
    ListProviders,
    Provider,
    RemoveProvider,
)
from bitvault.actors.sso.contract.refusals import (
    StaleProvider,
)
from bitvault.actors.sso.contract.sign_ins import (
    BeginSignIn,
    FinishSignIn,
    ListWays,
    LogOut,
    RedeemSignIn,
    SignInBegun,
    SignInFinished,
    SignInRedeemed,
)

TAGS: Final[Mapping[str, type]] = {
    "add_provider": AddProvider,
    "begin_sign_in": BeginSignIn,
    "change_provider": ChangeProvider,
    "finish_sign_in": FinishSignIn,
    "get_provider": GetProvider,
    "list_providers": ListProviders,
    "list_ways": ListWays,
    "log_out": LogOut,
    "provider": Provider,
    "redeem_sign_in": RedeemSignIn,
    "remove_provider": RemoveProvider,
    "sign_in_begun": SignInBegun,
    "sign_in_finished": SignInFinished,
    "sign_in_redeemed": SignInRedeemed,
    "stale_provider": StaleProvider,
}
