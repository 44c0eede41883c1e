"""Errors: RFC 9457 problem details, with a stable ``code``."""

from typing import Annotated, Any, Generic, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType

from bitvault.wire.fields import ResponseShape

T = TypeVar("T")


class Problem(Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    """Why a request was refused; codes may carry more members (``currentVersion``, ...)."""

    type: Annotated[str, Meta(description="urn:bitvault:problem:<code>")]
    title: str
    status: int
    code: Annotated[str, Meta(description="Stable; programs decide by it.")]
    detail: Annotated[str, Meta(description="One sentence for people.")]
    request_id: str = ""
    retryable: Annotated[bool | UnsetType, Meta(description="The same request may succeed.")] = (
        UNSET
    )
    field: Annotated[
        str | UnsetType, Meta(description="The member, parameter or header at fault.")
    ] = UNSET
    retry_after: Annotated[int | UnsetType, Meta(description="Seconds.")] = UNSET


ProblemMembers = Annotated[
    dict[str, Any],
    Meta(
        description="A Problem.",
        extra_json_schema={"allOf": [{"$ref": "#/components/schemas/Problem"}]},
    ),
]


class Outcome(ResponseShape, Generic[T], omit_defaults=True, frozen=True, kw_only=True):
    """One item of a batch's answer: ``result`` below status 400, else ``problem``."""

    status: int
    result: T | None = None
    problem: ProblemMembers | None = None


class Outcomes(ResponseShape, Generic[T], frozen=True, kw_only=True):
    """A batch's answer: one outcome for each item of the request, in its order."""

    items: tuple[Outcome[T], ...]
