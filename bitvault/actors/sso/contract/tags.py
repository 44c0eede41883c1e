"""What each message is called when it travels or is stored; a tag stays, a class may be renamed."""

from collections.abc import Mapping
from typing import Final

from bitvault.actors.sso.contract import providers, refusals, sign_ins

TAGS: Final[Mapping[str, type]] = {
    "add_provider": providers.AddProvider,
    "begin_sign_in": sign_ins.BeginSignIn,
    "change_provider": providers.ChangeProvider,
    "finish_sign_in": sign_ins.FinishSignIn,
    "get_provider": providers.GetProvider,
    "list_providers": providers.ListProviders,
    "list_ways": sign_ins.ListWays,
    "log_out": sign_ins.LogOut,
    "provider": providers.Provider,
    "redeem_sign_in": sign_ins.RedeemSignIn,
    "remove_provider": providers.RemoveProvider,
    "sign_in_begun": sign_ins.SignInBegun,
    "sign_in_finished": sign_ins.SignInFinished,
    "sign_in_redeemed": sign_ins.SignInRedeemed,
    "stale_provider": refusals.StaleProvider,
}
