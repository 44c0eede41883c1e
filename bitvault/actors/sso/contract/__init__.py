"""Single sign-on: a tenant's OpenID providers, and the way in through them (ADR-0020)."""

from bitvault.actors.sso.contract.events import (
    LoggedOut,
    ProviderAdded,
    ProviderChanged,
    ProviderRemoved,
    SignedIn,
    SignInFailed,
)
from bitvault.actors.sso.contract.providers import (
    AddProvider,
    ChangeProvider,
    GetProvider,
    ListProviders,
    Provider,
    ProviderTerms,
    RemoveProvider,
)
from bitvault.actors.sso.contract.refusals import (
    LogoutRefused,
    ProviderNotFound,
    ProviderTaken,
    SignInRefused,
    StaleProvider,
    TooManyProviders,
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
    Way,
)
from bitvault.actors.sso.contract.tags import TAGS

__all__ = [
    "TAGS",
    "AddProvider",
    "BeginSignIn",
    "ChangeProvider",
    "FinishSignIn",
    "GetProvider",
    "ListProviders",
    "ListWays",
    "LogOut",
    "LoggedOut",
    "LogoutRefused",
    "Provider",
    "ProviderAdded",
    "ProviderChanged",
    "ProviderNotFound",
    "ProviderRemoved",
    "ProviderTaken",
    "ProviderTerms",
    "RedeemSignIn",
    "RemoveProvider",
    "SignInBegun",
    "SignInFailed",
    "SignInFinished",
    "SignInRedeemed",
    "SignInRefused",
    "SignedIn",
    "StaleProvider",
    "TooManyProviders",
    "Way",
]
