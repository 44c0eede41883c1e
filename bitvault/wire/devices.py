"""Logging in on a machine without a browser (RFC 8628)."""

from typing import Annotated

from msgspec import Meta

from bitvault.wire.fields import Moment, RequestShape, ResponseShape
from bitvault.wire.sessions import Refreshable

ClientName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=128,
        description="What the program calls itself; who approves it is shown this.",
        examples=["bitvault on build-7"],
    ),
]
DeviceCode = Annotated[str, Meta(min_length=1, max_length=128, examples=["bvd_wqF..."])]
UserCode = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=32,
        description="As it is shown on the other machine; case, spaces and hyphens do not count.",
        examples=["WDJB-MJHT"],
    ),
]


class BeginDevice(RequestShape, frozen=True, kw_only=True):
    """Ask to be let in."""

    client_name: ClientName


class DeviceBegun(ResponseShape, frozen=True, kw_only=True):
    """Show ``userCode`` and ``verificationUri``, and poll with ``deviceCode``."""

    device_code: str
    user_code: str
    verification_uri: Annotated[str, Meta(description="On this server: /device.")]
    verification_uri_complete: Annotated[str, Meta(description="The same, with the code.")]
    expires_in: Annotated[int, Meta(description="Seconds.")]
    interval: Annotated[int, Meta(description="Seconds between two polls, at least.")]


class CollectSession(RequestShape, frozen=True, kw_only=True):
    """Ask whether somebody has approved it."""

    device_code: DeviceCode
    refreshable: Refreshable = False


class AnswerDevice(RequestShape, frozen=True, kw_only=True):
    """What waits under a code that you were shown."""

    user_code: UserCode


class Device(ResponseShape, frozen=True, kw_only=True):
    """A program that asks to be let in as you."""

    client_name: Annotated[str, Meta(description="As it calls itself; unchecked.")]
    address: str
    user_agent: str
    begun_at: Moment
    expires_at: Moment
    is_near: Annotated[bool, Meta(description="It was begun from the network you are in.")]
