"""The declared ways this room says no."""

from typing import ClassVar

from attrs import frozen

from bitvault.kernel.refusal import Category, Refusal


@frozen
class ProviderNotFound(Refusal):
    """No such identity provider of the caller's tenant."""

    code: ClassVar[str] = "provider_not_found"
    category: ClassVar[Category] = Category.NOT_FOUND
    provider: str

    @property
    def detail(self) -> str:
        """Name it."""
        return f"There is no identity provider {self.provider!r}."


@frozen
class ProviderTaken(Refusal):
    """Another identity provider of the tenant has this name."""

    code: ClassVar[str] = "provider_taken"
    category: ClassVar[Category] = Category.CONFLICT
    name: str

    @property
    def detail(self) -> str:
        """Name it."""
        return f"name: there is an identity provider {self.name!r} already."


@frozen
class TooManyProviders(Refusal):
    """The tenant has as many identity providers as it may have."""

    code: ClassVar[str] = "too_many_providers"
    category: ClassVar[Category] = Category.CONFLICT
    most: int

    @property
    def detail(self) -> str:
        """Say how many."""
        return f"A tenant may have at most {self.most} identity providers."


@frozen
class StaleProvider(Refusal):
    """Somebody changed the provider since it was read."""

    code: ClassVar[str] = "precondition_failed"
    category: ClassVar[Category] = Category.PRECONDITION_FAILED
    revision: int

    @property
    def detail(self) -> str:
        """Say what to do."""
        return "If-Match: the identity provider has changed; read it again."


@frozen
class LogoutRefused(Refusal):
    """What came as a provider's word that somebody logged out is not believed."""

    code: ClassVar[str] = "logout_refused"
    category: ClassVar[Category] = Category.INVALID
    reason: str
    field: str = "logout_token"

    @property
    def detail(self) -> str:
        """Say why: it is about the token alone, never about users."""
        return f"{self.field}: {self.reason}."


@frozen
class SignInRefused(Refusal):
    """The sign-in is unknown, over, another browser's, or not vouched for."""

    code: ClassVar[str] = "sign_in_refused"
    category: ClassVar[Category] = Category.FORBIDDEN

    @property
    def detail(self) -> str:
        """Say no more than that: whoever asks has proved nothing."""
        return "This sign-in is not valid, or no longer; begin again."
