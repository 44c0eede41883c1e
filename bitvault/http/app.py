"""The Quart-Trio application: routes, the last resort for errors, and one log line per request."""

import importlib.metadata
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, cast

import msgspec
import structlog
import trio
from quart import Request, Response, request
from quart.ctx import RequestContext
from quart.sessions import NullSession
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge
from werkzeug.routing import Map

from bitvault.drivers.limits.port import Limits
from bitvault.edge.capacity import Capacity
from bitvault.edge.disk import DiskReserve
from bitvault.edge.rejections import Rejected
from bitvault.edge.services import Services
from bitvault.edge.throttle import Throttle
from bitvault.http import auth, openapi, problems, serving
from bitvault.http.call import Edge
from bitvault.http.direct import Direct
from bitvault.http.endpoint import Endpoint
from bitvault.http.forwarded import Proxies
from bitvault.http.heads import target_path
from bitvault.http.limits import headers
from bitvault.http.metrics import Metrics
from bitvault.http.options import Options
from bitvault.http.routes import ENDPOINTS
from bitvault.http.routes.health import PAGES, Health, front, page_view
from bitvault.http.scim.faults import MEDIA
from bitvault.http.scim.shapes import ROOT
from bitvault.http.serving import HOLD_ANSWER, SMALL_ANSWER, Trace, tracing
from bitvault.kernel.addresses import subscriber
from bitvault.kernel.clock import Clock
from bitvault.kernel.dependencies import Dependencies
from bitvault.kernel.ids import Ids
from bitvault.kernel.refusal import Failed
from bitvault.kernel.timing import spent
from bitvault.kernel.tracing import cause
from supervisors import ChildStatus

_LOG = structlog.stdlib.get_logger("bitvault.http")
_NO_SESSION = NullSession()
_BESIDE_THE_API = {
    "/livez": "livez",
    "/readyz": "readyz",
    "/metrics": "metrics",
    "/v1/status": "status",
    "/v1/openapi.json": "openapi",
    "/": "front",
    **PAGES,
}
_PROBES = {"livez", "readyz"}
"""Never limited: who restarts what does not answer must not do so because it asks often."""
_CODES = {404: "not_found", 405: "method_not_allowed", 408: "request_timeout"}
_CODES |= {413: "body_too_large", 415: "unsupported_media_type"}
_UNREADABLE = {408: "request_timeout", 431: "head_too_large", 501: "not_implemented"}
_UNREADABLE |= {505: "version_not_supported"}
_DETAILS = {
    404: "There is no such route; GET /v1/openapi.json lists them all.",
    408: "The body did not arrive in time; send it again.",
}


class Application(QuartTrio):
    """The edge as an ASGI application; what it holds is typed here."""

    asgi_http_class = Direct

    edge: Edge
    metrics: Metrics
    proxies: Proxies
    costs: Mapping[str, int]
    """Of each endpoint, by its name."""

    _noticed: bool = False

    def notice(self, peer: str, proxies: Proxies) -> None:
        """Say once that somebody unknown says whom it passes on: a proxy that was not set?"""
        if not self._noticed and proxies.is_unknown(peer, request.headers):
            self._noticed = True
            _LOG.warning("forwarding header ignored", peer=peer, setting="server.trusted_proxies")

    def refuse_head(
        self, status: int, reason: str, peer: str
    ) -> tuple[list[tuple[bytes, bytes]], bytes]:
        """Answer a head that cannot be read as a request; return headers and body."""
        request_id = self.edge.ids.uuid7().hex
        self.metrics.count("unreadable", "ANY", status, 0.0)
        _LOG.info("request", requestId=request_id, status=status, address=peer, reason=reason)
        code = _UNREADABLE.get(status, "malformed")
        detail = f"The request cannot be read: {reason}."
        members = problems.problem(code, detail, request_id)
        body = problems.encode(members)
        headers = {**problems.headers_for(members), "Content-Length": str(len(body))}
        headers["X-Request-Id"] = request_id
        return [(name.lower().encode(), value.encode()) for name, value in headers.items()], body

    def request_context(self, request: Request) -> RequestContext:
        """Begin a request without a session: nothing here keeps one."""
        return RequestContext(self, request, _NO_SESSION)

    async def make_default_options_response(self) -> Response:
        """Answer OPTIONS with the methods alone."""
        allowed = (await super().make_default_options_response()).allow
        response = serving.bodiless(204)
        response.headers["Allow"] = ", ".join(sorted(allowed))
        return response


def create_app(  # noqa: PLR0913 - each is a part of the edge
    services: Services,
    clock: Clock,
    ids: Ids,
    limits: Limits,
    *,
    tree: Callable[[], ChildStatus],
    options: Options | None = None,
    reserve: DiskReserve | None = None,
    dependencies: Dependencies | None = None,
    endpoints: tuple[Endpoint, ...] = ENDPOINTS,
) -> Application:
    """Build the application.

    Args:
        services: Whom to ask.
        clock: The time.
        ids: Where request ids come from.
        limits: Who has spent how much.
        tree: The supervision tree as it is now, as `child.tree.status` gives it.
        options: What may be set.
        reserve: What is kept free of the disk; None: nothing runs embedded.
        dependencies: What was last found out of the database and the object store.
        endpoints: What is served.
    """
    options = Options() if options is None else options
    app = Application("bitvault", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = options.body_limit
    app.config["BODY_TIMEOUT"] = options.body_timeout
    reserve = DiskReserve(lambda: 0) if reserve is None else reserve
    capacity = Capacity.of(
        options.requests_at_once, options.body_limit, options.connections, options.unsent_answers
    )
    app.proxies = options.proxies
    throttle = Throttle(limits, options.rates)
    app.edge = Edge(services, clock, ids, reserve, throttle, capacity)
    dependencies = Dependencies() if dependencies is None else dependencies
    app.metrics = Metrics(tree, reserve, capacity, dependencies)
    health = Health(app.edge, tree, app.metrics, openapi_document(endpoints), dependencies)
    app.costs = {endpoint.operation_id: endpoint.cost for endpoint in endpoints}
    _add_routes(app, health, options.store, endpoints)
    _add_hooks(app, options)
    return app


@cache
def openapi_document(endpoints: tuple[Endpoint, ...] = ENDPOINTS) -> bytes:
    """Return the OpenAPI document as JSON, indented, in a stable order."""
    version = importlib.metadata.version("bitvault")
    compact = msgspec.json.encode(openapi.document(endpoints, version))
    return msgspec.json.format(compact, indent=1) + b"\n"


@cache
def _routes(endpoints: tuple[Endpoint, ...]) -> Map:
    """Compile every route once for the process: that takes a hundred times as long as the views."""
    blank = QuartTrio("bitvault", static_folder=None)
    for endpoint in endpoints:
        rule = endpoint.path.replace("{", "<").replace("}", ">")
        blank.add_url_rule(rule, endpoint.operation_id, methods=[endpoint.method])
    for path, name in _BESIDE_THE_API.items():
        blank.add_url_rule(path, name)
    return blank.url_map


def _add_routes(
    app: Application, health: Health, store: str, endpoints: tuple[Endpoint, ...]
) -> None:
    app.url_map = _routes(endpoints)
    shows = {endpoint.path: endpoint for endpoint in endpoints if endpoint.is_shown_alone}
    for endpoint in endpoints:
        view = serving.view_of(endpoint, app.edge, shows.get(endpoint.path))
        app.view_functions[endpoint.operation_id] = view
    app.view_functions |= {
        "livez": health.livez,
        "readyz": health.readyz,
        "metrics": health.show_metrics,
        "status": health.status,
        "openapi": health.document,
        "front": front,
        **{name: page_view(name, store) for name in PAGES.values()},
    }


def _add_hooks(app: Application, options: Options) -> None:
    async def begin() -> Response | None:
        peer = request.remote_addr or ""
        address = options.proxies.client(peer, request.headers)
        app.notice(peer, options.proxies)
        fresh = app.edge.ids.uuid7().hex
        trace = Trace(auth.origin_of(request.headers, address, fresh))
        tracing.set(trace)
        spent.set(trace.spent)
        cause.set(auth.cause_of(request.headers, trace.origin))
        return await _charge_address(app, trace) or _faulty()

    async def finish(response: Response) -> Response:
        trace = tracing.get()
        response = _held(response, trace)
        response.headers.add("X-Request-Id", trace.origin.request_id)
        options.browsers.tell(request.headers, response.headers)
        response.headers.extend(headers(trace.verdicts))
        _record(app.metrics, trace, response)
        return response

    app.before_request(begin)
    app.after_request(finish)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(Exception, _crash)


async def _charge_address(app: Application, trace: Trace) -> Response | None:
    """Charge a request to where it comes from; answers it if it has to wait."""
    name = request.url_rule.endpoint if request.url_rule is not None else ""
    if name in _PROBES:
        return None
    try:
        charged = app.edge.throttle.address(trace.origin.address, app.costs.get(name, 1))
        serving.limited(trace, await charged)
    except Rejected as rejected:
        return serving.rejected_response(rejected)
    return None


def _faulty() -> Response | None:
    """Answer a request that asks for nothing which this server could do."""
    target = cast("Any", request.scope).get("raw_path", b"/")
    if target == b"*" and request.method == "OPTIONS":
        return serving.bodiless(204)
    if request.method == "CONNECT":
        fault = Rejected("not_implemented", "There are no tunnels here: CONNECT is not served.")
        return serving.rejected_response(fault)
    if target_path(request.method, target) is None:
        fault = Rejected("malformed", "The target of a request must be a path, or a whole URL.")
        return serving.rejected_response(fault)
    if request.headers.get("Expect", "100-continue").lower() != "100-continue":
        fault = Rejected("expectation_failed", "Expect: only 100-continue can be met.")
        return serving.rejected_response(fault)
    return None


def _held(response: Response, trace: Trace) -> Response:
    """Hold room for a large answer until its client has taken it, or answer that there is none."""
    hold: Any = cast("Any", request.scope).get(HOLD_ANSWER)
    size = response.content_length or 0
    if hold is None or size <= SMALL_ANSWER or hold(subscriber(trace.origin.address), size):
        return response
    detail = "Too many answers wait for their clients to read them; retry when Retry-After says."
    refused = serving.rejected_response(Rejected("overloaded", detail))
    refused.headers["Connection"] = "close"  # and what it asks next, unread, is not served
    return refused


async def _http_problem(error: HTTPException) -> Response:
    """Turn what the framework refuses into a problem."""
    status = error.code or 0
    code = _CODES.get(status, "malformed")
    detail = _DETAILS.get(status) or error.description or "The request cannot be served."
    if status == RequestEntityTooLarge.code:
        detail = f"The body is larger than {request.max_content_length} bytes."
    allowed = ""
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        allowed = ", ".join(sorted(error.valid_methods))
        detail = f"{request.method} is not allowed here; these are: {allowed}."
    trace = tracing.get()
    if request.path.startswith(f"{ROOT}/"):
        trace.media = MEDIA
    response = serving.problem_response(problems.problem(code, detail, trace.origin.request_id))
    if allowed:
        response.headers["Allow"] = allowed
    return response


async def _crash(error: Exception) -> Response:
    """Log a bug, and tell the client no more than its number."""
    trace = tracing.get()
    _LOG.error("request crashed", requestId=trace.origin.request_id, exc_info=error)
    failed = Failed()
    return serving.problem_response(
        problems.problem(failed.code, failed.detail, trace.origin.request_id)
    )


def _record(metrics: Metrics, trace: Trace, response: Response) -> None:
    seconds = trio.current_time() - trace.started
    rule = request.url_rule
    route = trace.route or (rule.rule if rule is not None else "unmatched")
    method = request.method if rule is not None else "ANY"
    metrics.count(route, method, response.status_code, seconds)
    members: dict[str, Any] = {
        "requestId": trace.origin.request_id,
        "method": method,
        "route": route,
        "status": response.status_code,
        "address": trace.origin.address,
        "milliseconds": round(seconds * 1000, 2),
        "databaseMilliseconds": round(trace.spent.database_seconds * 1000, 2),
        "bytes": response.content_length or 0,
    }
    if trace.principal is not None:
        members["tenant"] = str(trace.principal.tenant_id)
        members["user"] = str(trace.principal.user_id)
    if trace.code:
        members["code"] = trace.code
    _LOG.info("request", **members)
