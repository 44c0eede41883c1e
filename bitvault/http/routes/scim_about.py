"""SCIM 2.0: what a directory may ask of the server itself (RFC 7644 §4)."""

from collections.abc import Mapping
from typing import Any

from bitvault.edge.rejections import Rejected
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import NoBody, NoQuery, Routes
from bitvault.http.scim import about
from bitvault.http.scim.faults import MEDIA
from bitvault.http.scim.shapes import ROOT
from bitvault.kernel.principal import Scope
from bitvault.wire import scim as wire

routes = Routes("scim")


@routes.route(
    "GET",
    f"{ROOT}/ServiceProviderConfig",
    {200: dict[str, Any]},
    scope=Scope.READ,
    media=MEDIA,
)
async def scim_describe_server(_: Call[NoBody, NoQuery]) -> Reply:
    """Say which parts of SCIM are served."""
    return Reply(200, about.CONFIG)


@routes.route("GET", f"{ROOT}/ResourceTypes", {200: wire.Described}, scope=Scope.READ, media=MEDIA)
async def scim_list_types(_: Call[NoBody, NoQuery]) -> Reply:
    """List the types of resources."""
    return _described(about.TYPES)


@routes.route(
    "GET",
    f"{ROOT}/ResourceTypes/{{name}}",
    {200: dict[str, Any]},
    scope=Scope.READ,
    media=MEDIA,
    says=("not_found",),
)
async def scim_get_type(call: Call[NoBody, NoQuery]) -> Reply:
    """Describe a type of resources."""
    return Reply(200, _known(about.TYPES, call.path["name"]))


@routes.route("GET", f"{ROOT}/Schemas", {200: wire.Described}, scope=Scope.READ, media=MEDIA)
async def scim_list_schemas(_: Call[NoBody, NoQuery]) -> Reply:
    """List the schemas of resources."""
    return _described(about.SCHEMAS)


@routes.route(
    "GET",
    f"{ROOT}/Schemas/{{name}}",
    {200: dict[str, Any]},
    scope=Scope.READ,
    media=MEDIA,
    says=("not_found",),
)
async def scim_get_schema(call: Call[NoBody, NoQuery]) -> Reply:
    """Describe a schema of resources."""
    return Reply(200, _known(about.SCHEMAS, call.path["name"]))


@routes.route(
    "POST",
    f"{ROOT}/.search",
    {501: wire.Fault},
    scope=Scope.ADMIN,
    body=wire.Search,
    allowed_when_disk_full=True,
    media=MEDIA,
)
async def scim_search(_: Call[wire.Search, NoQuery]) -> Reply:
    """Refuse to search users and groups at once."""
    detail = "Users and groups are not searched at once; add /Users or /Groups before /.search."
    return Reply(501, wire.Fault(schemas=(wire.ERROR,), status="501", detail=detail))


def _described(every: Mapping[str, dict[str, Any]]) -> Reply:
    return Reply(
        200,
        wire.Described(
            schemas=(wire.LISTED,),
            total_results=len(every),
            start_index=1,
            items_per_page=len(every),
            resources=tuple(every.values()),
        ),
    )


def _known(every: Mapping[str, dict[str, Any]], name: str) -> dict[str, Any]:
    if name not in every:
        raise Rejected("not_found", f"There is no {name!r} here; leave it out for the list.")
    return every[name]
