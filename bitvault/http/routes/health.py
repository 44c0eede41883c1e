"""Is it alive, is it ready, and how is the tree: for machines, probes and people."""

import importlib.metadata
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
import msgspec
import trio
from quart import Response, request

from bitvault.edge.disk import DiskReserve
from bitvault.edge.rejections import Rejected
from bitvault.http.call import Edge, Reply
from bitvault.http.metrics import Metrics, lag_of, numbers, statistics_of, walk
from bitvault.http.problems import RETRY_AFTER, of_refusal
from bitvault.http.serving import (
    principal_of,
    problem_response,
    refused_response,
    rejected_response,
    reply_response,
    tracing,
)
from bitvault.kernel.addresses import parse
from bitvault.kernel.dependencies import Dependencies
from bitvault.kernel.refusal import Forbidden, Refused
from bitvault.wire import status as wire
from supervisors import ChildStatus

_STATIC = Path(__file__).parent.parent / "static"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
PAGES = {
    "/status": "status.html",
    "/v1/docs": "docs.html",
    "/s": "link.html",
    "/device": "device.html",
    "/invite": "invite.html",
    "/reset": "reset.html",
    "/confirm": "confirm.html",
    "/assets/status.js": "status.js",
    "/assets/docs.js": "docs.js",
    "/assets/link.js": "link.js",
    "/assets/request.js": "request.js",
    "/assets/form.js": "form.js",
    "/assets/device.js": "device.js",
    "/assets/letter.js": "letter.js",
    "/assets/pages.css": "pages.css",
    "/assets/icon.svg": "icon.svg",
}
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'{store}; "
    "img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@attrs.frozen
class Health:
    """The views that show the tree; kept apart from the API, since they need no room."""

    edge: Edge
    tree: Callable[[], ChildStatus]
    metrics: Metrics
    openapi: bytes
    dependencies: Dependencies

    async def livez(self) -> Response:
        """Answer that this process serves requests; depends on nothing."""
        return reply_response(Reply(200, wire.Health(status="alive")))

    async def readyz(self) -> Response:
        """Answer 200 when every child runs and what they stand on answers, else 503 with the rest.

        It says what was last found out: nobody is made to wait by asking, or asks the systems more.
        """
        waiting = [child.path for child in walk(self.tree()) if child.state != "running"]
        if missing := waiting or _down(self.dependencies):
            status = "starting" if waiting else "waiting"
            body = wire.Health(status=status, waiting_for=tuple(missing))
            return reply_response(Reply(503, body, {"Retry-After": str(RETRY_AFTER)}))
        return reply_response(Reply(200, wire.Health(status="ready")))

    async def show_metrics(self) -> Response:
        """Answer the Prometheus metrics; see `_barred` for who may read them."""
        if (barred := await self._barred()) is not None:
            return barred
        return _raw(self.metrics.recent(), "text/plain; version=0.0.4; charset=utf-8")

    async def status(self) -> Response:
        """Answer the supervision tree; see `_barred` for who may read it."""
        if (barred := await self._barred()) is not None:
            return barred
        return reply_response(
            Reply(200, status_of(self.tree(), self.edge.reserve, self.dependencies))
        )

    async def document(self) -> Response:
        """Answer the OpenAPI document."""
        return _raw(self.openapi, "application/json")

    async def _barred(self) -> Response | None:
        """Let in a peer on this machine, else an operator: the state is that of all tenants.

        A request that a proxy passed on is not local, though its peer may be.
        """
        trace = tracing.get()
        if _is_local(trace.origin.address, request.headers):
            return None
        try:
            who = await principal_of(self.edge, trace)
        except Refused as refused:
            return refused_response(refused)
        except Rejected as rejected:
            return rejected_response(rejected)
        if not who.is_operator:
            refusal = Forbidden("look at the state of the server")
            return problem_response(of_refusal(refusal, trace.origin.request_id))
        return None


async def front() -> Response:
    """Send a browser that knows only the address to the page that shows the server."""
    return reply_response(Reply(302, None, {"Location": "/status", "Cache-Control": "no-cache"}))


def page_view(name: str, store: str) -> Callable[[], Any]:
    """Make the view of a file of ``static/``, read once; a link's page may send to the store."""
    origin = urlsplit(store)
    policy = PAGE_POLICY.format(
        store=f" {origin.scheme}://{origin.netloc}" if store and name == "link.html" else ""
    )
    raw = (_STATIC / name).read_bytes()
    media = _TYPES[Path(name).suffix]

    async def view() -> Response:
        response = _raw(raw, media)
        response.headers["Content-Security-Policy"] = policy
        return response

    view.__name__ = name.replace(".", "_")
    return view


def _down(dependencies: Dependencies) -> list[str]:
    now = trio.current_time()
    return [one.dependency for one in dependencies.all() if not one.is_up(now)]


def status_of(tree: ChildStatus, reserve: DiskReserve, dependencies: Dependencies) -> wire.Status:
    """Show the tree, the consumers that count a lag, what all stands on, and a watched disk."""
    every, now = list(walk(tree)), trio.current_time()
    return wire.Status(
        version=importlib.metadata.version("bitvault"),
        ready=all(child.state == "running" for child in every) and not _down(dependencies),
        tree=_shown(tree),
        consumers=tuple(
            wire.ConsumerLag(
                name=child.path,
                lag=lag.events,
                seconds=lag.seconds,
                dead_letters=lag.dead_letters,
            )
            for child in every
            if (lag := lag_of(child)) is not None
        ),
        disk=_disk(reserve) if reserve.keep else None,
        dependencies=tuple(
            wire.Dependency(
                name=one.dependency,
                is_up=one.is_up(now),
                age=now - one.at,
                seconds=one.seconds,
                error=one.error or None,
            )
            for one in dependencies.all()
        ),
    )


def _disk(reserve: DiskReserve) -> wire.Disk:
    return wire.Disk(free=reserve.free(), reserve=reserve.keep, is_short=reserve.is_touched)


def _shown(child: ChildStatus) -> wire.ChildStatus:
    counted = statistics_of(child)
    depth = dict(numbers(counted)).get("mailbox.queued")
    return wire.ChildStatus(
        id=child.id,
        path=child.path,
        kind=child.kind,
        state=child.state,
        restarts=child.restarts,
        uptime=None if child.started_at is None else trio.current_time() - child.started_at,
        last_error=child.last_error,
        mailbox_depth=None if depth is None else int(depth),
        statistics=msgspec.to_builtins(counted),
        children=tuple(_shown(below) for below in child.children),
    )


def _is_local(address: str, headers: Any) -> bool:
    if "X-Forwarded-For" in headers or "Forwarded" in headers:
        return False
    known = parse(address)
    return known is not None and known.is_loopback and _names_a_machine(headers.get("Host", ""))


def _names_a_machine(host: str) -> bool:
    """Say whether Host is localhost or an address.

    Any other name may be a page's whose owner made it lead to this machine (DNS rebinding), and
    whose script a browser here would let read the answer.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or parse(name) is not None


def _raw(raw: bytes, media: str) -> Response:
    response = Response(raw, 200)
    response.headers["Content-Type"] = media
    response.headers["Cache-Control"] = "no-cache"
    return response
