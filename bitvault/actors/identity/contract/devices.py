"""Logging in on a machine without a browser (RFC 8628): two codes, one for it and one to type."""

from datetime import datetime
from typing import ClassVar

from attrs import field, frozen

from bitvault.actors.identity.contract.credentials import SecretIssued
from bitvault.actors.identity.contract.refusals import Unauthenticated
from bitvault.kernel.principal import Caller, Origin
from bitvault.kernel.refusal import Category, Invalid, Refusal
from bitvault.kernel.request import Request


@frozen
class DeviceNotFound(Refusal):
    """Nothing waits under this code: it is wrong, expired, or was answered."""

    code: ClassVar[str] = "device_not_found"
    category: ClassVar[Category] = Category.NOT_FOUND

    @property
    def detail(self) -> str:
        """Say what it may be."""
        return "No login waits under this code; is it typed right? It is good for ten minutes."


@frozen
class TooManyCodes(Refusal):
    """Too many codes were typed that nothing waits under."""

    code: ClassVar[str] = "too_many_codes"
    category: ClassVar[Category] = Category.EXHAUSTED
    retryable: ClassVar[bool] = True
    retry_after: int
    """Seconds."""

    @property
    def detail(self) -> str:
        """Say when to come back."""
        return f"Too many wrong codes; try again in {self.retry_after} seconds."


@frozen
class TooManyDevices(Refusal):
    """Too many logins were begun from this address, or wait altogether."""

    code: ClassVar[str] = "too_many_devices"
    category: ClassVar[Category] = Category.EXHAUSTED
    retryable: ClassVar[bool] = True
    retry_after: int
    """Seconds."""

    @property
    def detail(self) -> str:
        """Say when to come back."""
        return f"Too many logins are waiting; try again in {self.retry_after} seconds."


@frozen
class AuthorizationPending(Refusal):
    """Nobody has answered yet: poll again after the interval."""

    code: ClassVar[str] = "authorization_pending"
    category: ClassVar[Category] = Category.INVALID

    @property
    def detail(self) -> str:
        """Say so."""
        return "Nobody has answered yet; ask again after the interval."


@frozen
class SlowDown(Refusal):
    """It polls faster than the interval."""

    code: ClassVar[str] = "slow_down"
    category: ClassVar[Category] = Category.EXHAUSTED
    retryable: ClassVar[bool] = True
    retry_after: int
    """Seconds."""

    @property
    def detail(self) -> str:
        """Say when."""
        return f"Ask less often; the next time in {self.retry_after} seconds."


@frozen
class AccessDenied(Refusal):
    """It was denied, or approved by who may not enter any more, or its session was taken."""

    code: ClassVar[str] = "access_denied"
    category: ClassVar[Category] = Category.FORBIDDEN

    @property
    def detail(self) -> str:
        """Say no more than that."""
        return "The login was denied, or is over; begin anew."


@frozen
class ExpiredToken(Refusal):
    """The device's code is ten minutes old, or never was one."""

    code: ClassVar[str] = "expired_token"
    category: ClassVar[Category] = Category.INVALID

    @property
    def detail(self) -> str:
        """Say so."""
        return "The code has expired; begin anew."


@frozen
class DeviceBegun:
    """A login that waits for somebody's approval."""

    device_code: str = field(repr=False)
    """The device's, to poll with."""
    user_code: str = field(repr=False)
    """To be typed where somebody is logged in: ``WDJB-MJHT``."""
    expires_in: int
    interval: int
    """Seconds, both."""


@frozen
class Device:
    """What waits for an answer, as somebody is shown it."""

    name: str
    """It is what the program says of itself: nobody has checked it."""
    address: str
    user_agent: str
    begun_at: datetime
    expires_at: datetime
    is_near: bool
    """Whether it was begun from the caller's network."""


@frozen
class BeginDevice(Request[DeviceBegun, TooManyDevices | Invalid]):
    """Ask for codes. ``name`` is what the program calls itself."""

    name: str
    origin: Origin


@frozen
class CollectSession(
    Request[SecretIssued, AuthorizationPending | SlowDown | AccessDenied | ExpiredToken]
):
    """Poll for the answer; the session is given out once."""

    device_code: str = field(repr=False)
    origin: Origin
    is_refreshable: bool = False


@frozen
class FindDevice(Request[Device, DeviceNotFound | TooManyCodes]):
    """Show what waits under a code that the caller typed."""

    caller: Caller
    user_code: str = field(repr=False)


@frozen
class AnswerDevice(Request[None, DeviceNotFound | TooManyCodes | Unauthenticated]):
    """Let it in as the caller, or not; there is one answer."""

    caller: Caller
    user_code: str = field(repr=False)
    is_approved: bool
