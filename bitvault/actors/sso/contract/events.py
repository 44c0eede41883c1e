"""The facts this room publishes: ``provider.*``. Never a secret, a code or a token."""

from typing import ClassVar
from uuid import UUID

from attrs import frozen

from bitvault.kernel.events import Event


@frozen
class ProviderAdded(Event):
    """There is a new identity provider."""

    kind: ClassVar[str] = "provider.added"
    name: str
    issuer: str


@frozen
class ProviderChanged(Event):
    """An identity provider has other terms, or another secret."""

    kind: ClassVar[str] = "provider.changed"
    name: str
    issuer: str


@frozen
class ProviderRemoved(Event):
    """An identity provider is gone."""

    kind: ClassVar[str] = "provider.removed"
    name: str
    issuer: str


@frozen
class SignedIn(Event):
    """A user came in by a provider; the session's own event follows when it is taken."""

    kind: ClassVar[str] = "provider.signed_in"
    user_id: UUID
    login: str
    remark: str
    """What of the provider's word was passed over; mostly nothing."""


@frozen
class SignInFailed(Event):
    """Browsers came back from a provider and were not let in, ``count`` of them; the last for this.

    At most one a minute and provider: nobody fills the trail.
    """

    kind: ClassVar[str] = "provider.sign_in_refused"
    reason: str
    address: str
    count: int


@frozen
class LoggedOut(Event):
    """A provider has ended what came in by it; each session's own event goes before."""

    kind: ClassVar[str] = "provider.logged_out"
    sessions: int
