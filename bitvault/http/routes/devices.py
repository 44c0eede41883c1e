"""Logging in on a machine without a browser: it shows a code that is approved elsewhere."""

from bitvault.actors.identity.contract import AnswerDevice, BeginDevice, CollectSession, FindDevice
from bitvault.edge.admission import Audience
from bitvault.http import shapes
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import HEAVY, NoQuery, Routes
from bitvault.kernel.principal import Scope
from bitvault.wire import devices as wire
from bitvault.wire.sessions import SessionOpened

routes = Routes("devices")

PAGE = "/device"
_PRIVATE = {"Cache-Control": "no-store"}


@routes.route(
    "POST",
    "/v1/device-authorizations",
    {201: wire.DeviceBegun},
    body=wire.BeginDevice,
    cost=HEAVY,
    audience=Audience.ANYBODY,
)
async def begin_device(call: Call[wire.BeginDevice, NoQuery]) -> Reply:
    """Ask for a code to log in with on another machine (RFC 8628)."""
    begun = await call.ask(BeginDevice(call.body.client_name, call.origin))
    shown = wire.DeviceBegun(
        device_code=begun.device_code,
        user_code=begun.user_code,
        verification_uri=PAGE,
        verification_uri_complete=f"{PAGE}#{begun.user_code}",
        expires_in=begun.expires_in,
        interval=begun.interval,
    )
    return Reply(201, shown, _PRIVATE)


@routes.route(
    "POST",
    "/v1/device-authorizations/token",
    {201: SessionOpened},
    body=wire.CollectSession,
    audience=Audience.ANYBODY,
)
async def collect_session(call: Call[wire.CollectSession, NoQuery]) -> Reply:
    """Poll for the session, every ``interval`` seconds; it is given out once."""
    body = call.body
    issued = await call.ask(CollectSession(body.device_code, call.origin, body.refreshable))
    return Reply(201, shapes.opened_session(issued), _PRIVATE)


@routes.route(
    "POST",
    "/v1/device-authorizations/lookup",
    {200: wire.Device},
    scope=Scope.ACCOUNT,
    body=wire.AnswerDevice,
    allowed_when_disk_full=True,
)
async def find_device(call: Call[wire.AnswerDevice, NoQuery]) -> Reply:
    """Show what asks to be let in under a code; the code is in no URL, so in no log."""
    found = await call.ask(FindDevice(call.caller, call.body.user_code))
    shown = wire.Device(
        client_name=found.name,
        address=found.address,
        user_agent=found.user_agent,
        begun_at=found.begun_at,
        expires_at=found.expires_at,
        is_near=found.is_near,
    )
    return Reply(200, shown, _PRIVATE)


@routes.route(
    "POST",
    "/v1/device-authorizations/approve",
    {204: None},
    scope=Scope.ACCOUNT,
    body=wire.AnswerDevice,
    allowed_when_disk_full=True,
)
async def approve_device(call: Call[wire.AnswerDevice, NoQuery]) -> Reply:
    """Let a program in on another machine, as you."""
    return await _answered(call, is_approved=True)


@routes.route(
    "POST",
    "/v1/device-authorizations/deny",
    {204: None},
    scope=Scope.ACCOUNT,
    body=wire.AnswerDevice,
    allowed_when_disk_full=True,
)
async def deny_device(call: Call[wire.AnswerDevice, NoQuery]) -> Reply:
    """Keep a program out that asks to be let in."""
    return await _answered(call, is_approved=False)


async def _answered(call: Call[wire.AnswerDevice, NoQuery], *, is_approved: bool) -> Reply:
    request = AnswerDevice(call.caller, call.body.user_code, is_approved)
    await call.ask(request)
    return Reply(204)
