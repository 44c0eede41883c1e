"""One endpoint as a Quart view: decode, authenticate, call the handler, encode."""

import contextvars
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import attrs
import msgspec
import trio
from quart import Response, request
from werkzeug.exceptions import RequestEntityTooLarge, RequestTimeout

from bitvault.edge.rejections import Rejected, disk_full
from bitvault.edge.throttle import check_limits
from bitvault.http import auth, decoding, preconditions, problems
from bitvault.http.call import Call, Edge, Reply
from bitvault.http.endpoint import FORM, Endpoint, NoBody
from bitvault.http.scim import faults
from bitvault.kernel.limits import Verdict
from bitvault.kernel.principal import Caller, Origin, Principal
from bitvault.kernel.refusal import Refused
from bitvault.kernel.timing import Spent
from supervisors import ActorDied, AskTimeout, MailboxFull

BODY_WANTED = "bitvault.body_wanted"
"""In the scope: an event; a large body is received once it is set."""
HOLD_ANSWER = "bitvault.hold_answer"
"""In the scope: holds room for a large answer until its client has taken it."""
BODY = "bitvault.body"
"""In the scope of a request of HTTP/1.1 of which nothing is left to receive: its whole body."""
SMALL_BODY = 64 << 10
"""Bytes that are no burden; anybody may send so many."""
SMALL_ANSWER = 16 << 10
"""Bytes that a client may leave unread."""
_BODY_GRACE = 10.0
"""Seconds for a body, on top of what its size takes at the least rate."""
_LEAST_RATE = 16 << 10
"""Bytes a second; who sends a body more slowly on the whole is cut off."""

View = Callable[..., Awaitable[Response]]


@attrs.define
class Trace:
    """What is known of the request being served; the access log is written from it."""

    origin: Origin
    started: float = attrs.field(factory=trio.current_time)
    spent: Spent = attrs.field(factory=Spent)
    principal: Principal | None = None
    verdicts: list[Verdict] = attrs.field(factory=list)
    route: str = ""
    code: str = ""
    media: str = "application/json"
    """Of what the route answers."""


tracing: contextvars.ContextVar[Trace] = contextvars.ContextVar("tracing")


def view_of(endpoint: Endpoint, edge: Edge, shows: Endpoint | None = None) -> View:
    """Make the view of an endpoint; ``shows`` is the GET of the same path, if there is one."""

    async def view(**path: str) -> Response:
        trace = tracing.get()
        trace.route, trace.media = endpoint.path, endpoint.media
        try:
            answer = await _answer(endpoint, edge, trace, path, shows)
            return _response(answer, endpoint, shows)
        except Refused as refused:
            return refused_response(refused)
        except Rejected as rejected:
            return rejected_response(rejected)
        except (ActorDied, AskTimeout, MailboxFull):
            return overloaded(trace)

    view.__name__ = endpoint.operation_id
    return view


def overloaded(trace: Trace) -> Response:
    """Answer that the daemon cannot serve this now, without saying which part of it."""
    detail = "The server is overloaded or restarting; retry later."
    return problem_response(problems.problem("overloaded", detail, trace.origin.request_id))


def refused_response(refused: Refused) -> Response:
    """Answer what a service, or the edge in its words, refuses."""
    request_id = tracing.get().origin.request_id
    return problem_response(problems.of_refusal(refused.refusal, request_id))


def rejected_response(rejected: Rejected) -> Response:
    """Answer what the edge refuses itself."""
    request_id = tracing.get().origin.request_id
    return problem_response(problems.of_rejection(rejected, request_id))


def problem_response(members: dict[str, Any]) -> Response:
    """Encode problem details."""
    trace = tracing.get()
    trace.code = members["code"]
    members = problems.safe_to_repeat(members, has_key="Idempotency-Key" in request.headers)
    if trace.media == faults.MEDIA:
        response = Response(faults.encode(members), members["status"])
        response.headers.update(problems.headers_for(members))
        response.headers.update(faults.headers_for(members))
        return response
    response = Response(problems.encode(members), members["status"])
    response.headers.update(problems.headers_for(members))
    return response


async def principal_of(edge: Edge, trace: Trace) -> Principal:
    """Ask who sends the current request."""
    hashing = edge.capacity.hashing
    who = await auth.authenticate(request.headers, trace.origin, edge.services, hashing)
    trace.principal = who
    return who


async def _answer(
    endpoint: Endpoint, edge: Edge, trace: Trace, path: dict[str, str], shows: Endpoint | None
) -> Reply:
    capacity = edge.capacity
    gate = capacity.hashing if endpoint.is_hashing else capacity.requests
    gate.check()
    who = None if endpoint.is_open else await principal_of(edge, trace)
    if who is not None:
        endpoint.admission.check(who)
    if endpoint.needs_room and edge.reserve.is_touched:
        raise disk_full()
    parameters = decoding.path(path)
    query = decoding.query(request.args.items(multi=True), endpoint.query)
    # A body is held until the answer: what is made of it is as large.
    with capacity.bodies.entered(_body_size(endpoint), None if who is None else who.user_id):
        body = await _body(endpoint)
        caller = None if who is None else await _caller(endpoint, edge, trace, who, body)
        call = Call(edge, trace.origin, parameters, query, body, request.headers, caller)
        with gate.entered():
            await _check_conditions(endpoint, call, shows)
            return await endpoint.handler(call)


async def _caller(
    endpoint: Endpoint, edge: Edge, trace: Trace, who: Principal, body: msgspec.Struct
) -> Caller:
    """Charge the request to who sends it, and read its idempotency key."""
    limited(trace, await edge.throttle.principal(who, endpoint.price(body)))
    caller = Caller(who, trace.origin)
    if endpoint.is_safe:
        return caller
    key = auth.idempotency_of(request.headers, request.method, request.path, body, who)
    return attrs.evolve(caller, idempotency=key)


async def _check_conditions(
    endpoint: Endpoint, call: Call[Any, Any], shows: Endpoint | None
) -> None:
    """Judge the conditions of a change that the endpoint does not judge itself.

    Raises:
        Rejected: ``precondition_failed``; a condition is never passed over.
    """
    if endpoint.is_safe:
        return
    if "If-None-Match" in call.headers and not endpoint.if_none_match:
        raise preconditions.unmatched("If-None-Match: is not heeded here; nothing was changed.")
    header = call.headers.get("If-Match")
    if header is None or endpoint.if_match:
        return
    if shows is None or endpoint.is_open or not _welcomes(shows, call.caller.principal):
        raise preconditions.unmatched("If-Match: there is nothing here that it could match.")
    shown = await shows.handler(attrs.evolve(call, query=shows.query(), body=NoBody()))
    if not preconditions.matches(header, _tag(shown, msgspec.json.encode(shown.shape))):
        raise preconditions.unmatched()


def _welcomes(endpoint: Endpoint, who: Principal) -> bool:
    return endpoint.admission.serves(who.scope) and endpoint.admission.admits(who)


def _tag(reply: Reply, raw: bytes) -> str:
    return reply.headers.get("ETag") or preconditions.etag_of(raw)


def limited(trace: Trace, verdicts: Sequence[Verdict]) -> None:
    """Note what the limits say, for the answer's headers, and refuse if it is no.

    Raises:
        Rejected: ``rate_limited``.
    """
    trace.verdicts += verdicts
    check_limits(verdicts)


def _body_size(endpoint: Endpoint) -> int:
    """Return what the body takes of the room for bodies: its length, or the most it may have.

    A small one takes nothing, so that nobody keeps others from logging in by sending slowly.

    Raises:
        RequestEntityTooLarge: It says that it has more.
    """
    if not endpoint.has_body:
        return 0
    most = request.max_content_length or 0
    if endpoint.is_open:
        most = min(most, SMALL_BODY)
    said = request.content_length
    if said is not None and said > most:
        request.max_content_length = most
        raise RequestEntityTooLarge
    size = most if said is None else said
    return size if size > SMALL_BODY else 0


async def _body(endpoint: Endpoint) -> msgspec.Struct:
    if not endpoint.has_body:
        return NoBody()
    wanted = cast("Any", request.scope).get(BODY_WANTED)
    if wanted is not None:
        wanted.set()
    most = request.max_content_length or 0
    raw = await _received(min(most, SMALL_BODY) if endpoint.is_open else most)
    if not raw and endpoint.body_optional:
        raw = b"{}"
    elif request.mimetype not in {"application/json", *endpoint.media_taken}:
        must = " or ".join(endpoint.media_taken)
        raise Rejected("unsupported_media_type", f"Content-Type: must be {must}.")
    decode = decoding.form if request.mimetype == FORM else decoding.body
    shape: msgspec.Struct = decode(raw, endpoint.body)
    return shape


async def _received(limit: int) -> bytes:
    """Receive a body of at most ``limit`` bytes; the framework bounds no more than a part of it."""
    raw, began = bytearray(), trio.current_time()
    most = request.body_timeout or math.inf
    with trio.CancelScope(deadline=began + min(most, _BODY_GRACE)) as patience:
        async for part in request.body:
            raw += part
            if len(raw) > limit:
                request.max_content_length = limit
                raise RequestEntityTooLarge
            patience.deadline = began + min(most, _BODY_GRACE + len(raw) / _LEAST_RATE)
    if patience.cancelled_caught:
        raise RequestTimeout
    return bytes(raw)


def _response(answer: Reply, endpoint: Endpoint, shows: Endpoint | None) -> Response:
    if endpoint.is_conditional:
        return _shown(answer, endpoint.media)
    response = reply_response(answer)
    if shows is not None and type(answer.shape) is shows.answers[200]:
        # What was changed is answered as a GET would show it, so it has the same tag.
        response.headers["ETag"] = _tag(answer, msgspec.json.encode(answer.shape))
    return response


def _shown(reply: Reply, media: str) -> Response:
    """Encode what is shown, with its tag; 304 for who has it already.

    A browser may keep it, but has to ask before every use: for whoever is logged in then.
    """
    raw = msgspec.json.encode(reply.shape)
    tag = _tag(reply, raw)
    headers = {**reply.headers, "ETag": tag, "Cache-Control": "private, no-cache"}
    if preconditions.is_known(request.headers.get("If-None-Match"), tag):
        return reply_response(Reply(304, None, headers))
    response = Response(raw, reply.status)
    response.headers.update({"Content-Type": media, **headers})
    return response


def reply_response(reply: Reply) -> Response:
    """Encode an answer."""
    if reply.shape is None:
        response = bodiless(reply.status)
    else:
        response = Response(msgspec.json.encode(reply.shape), reply.status)
        response.headers["Content-Type"] = tracing.get().media
        response.headers["Cache-Control"] = "no-store"
    response.headers.update(reply.headers)
    return response


def bodiless(status: int) -> Response:
    """Answer with headers alone; 204 and 304 have no Content-Length (RFC 9110 §8.6)."""
    response = Response(b"", status)
    del response.headers["Content-Type"]
    if status in {204, 304}:
        del response.headers["Content-Length"]
    return response
