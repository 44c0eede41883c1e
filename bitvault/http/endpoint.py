"""Endpoints, declared once: the Quart route and the OpenAPI operation are made from the same."""

from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from typing import Any, Final, get_origin

import attrs
import msgspec

from bitvault.edge.admission import Admission, Audience
from bitvault.http.asks import refusals_in
from bitvault.http.call import Call, Reply
from bitvault.kernel.principal import Scope
from bitvault.kernel.refusal import IdempotencyConflict, Refusal
from bitvault.wire.problems import Outcomes

Handler = Callable[[Call[Any, Any]], Awaitable[Reply]]


FORM: Final = "application/x-www-form-urlencoded"
HEAVY: Final = 10
"""The cost of a request that takes ten times the work: it hashes a password or copies a tree."""


class NoBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The shape of a request without a body."""


class NoQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The shape of a request without query parameters."""


@attrs.frozen(eq=False)
class Endpoint:
    """A route, its shapes, and everything it may refuse with.

    Attributes:
        method: The HTTP method.
        path: As in OpenAPI, ``/v1/files/{id}``.
        handler: Serves it.
        tag: The group it is shown in.
        answers: Status to shape; None for no body.
        body: The shape of the JSON body.
        query: The shape of the query string.
        says: Codes that its handler says in the words of the edge.
        asks: Requests that cannot be read from its code.
        scope: What a credential must be good for; a route that does not say serves nobody.
        audience: Who is served.
        body_optional: An absent body stands for ``{}``.
        if_match: Heeds If-Match in the room's own transaction; where it does not, the edge
            compares with what a GET of the same path shows just before.
        if_none_match: Heeds ``If-None-Match: *``, on a change.
        cost: What a request costs in the units of rate limits.
        items: How many times that, by its body: as many as a batch has items.
        is_hashing: Hashes a password; few of these are served at once.
        allowed_when_disk_full: Served though the disk is short of room: it reads, or writes next
            to nothing.
        media: The media type of what it answers; what it is sent may be of it, or JSON.
        takes_form: Its body may be an HTML form's, as specifications of others have it.
    """

    method: str
    path: str
    handler: Handler
    tag: str
    answers: Mapping[int, Any]
    body: type[Any] = NoBody
    query: type[Any] = NoQuery
    says: tuple[str, ...] = ()
    asks: tuple[type, ...] = ()
    scope: Scope | None = None
    audience: Audience = Audience.USERS
    body_optional: bool = False
    if_match: bool = False
    if_none_match: bool = False
    cost: int = 1
    items: Callable[[Any], int] | None = None
    is_hashing: bool = False
    allowed_when_disk_full: bool = False
    media: str = "application/json"
    takes_form: bool = False

    @cached_property
    def refusals(self) -> tuple[type[Refusal], ...]:
        """Return all that may be answered in place of ``answers``, as its requests declare."""
        return refusals_in(self.handler, self.asks, items=not self.is_batch)

    @property
    def is_batch(self) -> bool:
        """Say whether each item has an outcome of its own, so that its refusal is in there."""
        return any(get_origin(shape) is Outcomes for shape in self.answers.values())

    @property
    def operation_id(self) -> str:
        """Return the handler's name: unique, and what generated clients call it."""
        return self.handler.__name__

    @property
    def summary(self) -> str:
        """Return the first line of the handler's docstring."""
        return (self.handler.__doc__ or "").strip().partition("\n")[0]

    @property
    def has_body(self) -> bool:
        """Say whether a JSON body is read."""
        return self.body is not NoBody

    @property
    def media_taken(self) -> tuple[str, ...]:
        """Return the media types that a body may be of, the one to be preferred first."""
        return (*((FORM,) if self.takes_form else ()), self.media)

    @property
    def is_conditional(self) -> bool:
        """Say whether what it shows has a tag, and is not sent again to who has it."""
        return self.method == "GET" and self.answers.keys() == {200}

    @property
    def is_shown_alone(self) -> bool:
        """Say whether the path alone says what is shown, so that If-Match can be compared."""
        required = any(field.required for field in msgspec.structs.fields(self.query))
        return self.is_conditional and not required

    @property
    def is_safe(self) -> bool:
        """Say whether it changes nothing (RFC 9110 §9.2.1)."""
        return self.method == "GET"

    def price(self, body: Any) -> int:
        """Return what a request with this body costs, in units."""
        return self.cost * (1 if self.items is None else max(1, self.items(body)))

    @property
    def needs_room(self) -> bool:
        """Say whether it is refused while the disk is short; what removes things never is."""
        return self.method in {"POST", "PUT", "PATCH"} and not (
            self.is_open or self.allowed_when_disk_full
        )

    @property
    def is_open(self) -> bool:
        """Say whether it needs no token."""
        return self.audience is Audience.ANYBODY

    @cached_property
    def admission(self) -> Admission:
        """Return what it asks of its callers."""
        return Admission(self.scope, self.audience, not self.is_safe)

    @property
    def takes_idempotency_key(self) -> bool:
        """Say whether Idempotency-Key means something: on POSTs of a known caller, and on nodes."""
        return not self.is_open and (self.method == "POST" or IdempotencyConflict in self.refusals)


@attrs.define
class Routes:
    """The endpoints of one topic, in the order of their declaration."""

    tag: Final[str]
    endpoints: list[Endpoint] = attrs.field(factory=list)

    def route(
        self, method: str, path: str, answers: Mapping[int, Any], **options: Any
    ) -> Callable[[Handler], Handler]:
        """Declare the decorated function as the handler of a route; see `Endpoint`."""

        def declare(handler: Handler) -> Handler:
            self.endpoints.append(Endpoint(method, path, handler, self.tag, answers, **options))
            return handler

        return declare
