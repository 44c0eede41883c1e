"""A body holds what its shape says, and nothing of what the rooms keep (X18)."""

import json
from collections.abc import Iterator
from typing import Any, get_args

import attrs
import msgspec
import pytest

from bitvault.actors.audit import contract as audit
from bitvault.actors.files import contract as files
from bitvault.actors.identity import contract as identity
from bitvault.actors.sharing import contract as sharing
from bitvault.edge.rejections import Rejected
from bitvault.http import decoding
from bitvault.http.endpoint import Endpoint
from bitvault.http.routes import ENDPOINTS
from bitvault.http.scim import faults
from bitvault.kernel.principal import Principal
from tests.http.support.requests import GOOD

WITH_BODY = [each for each in ENDPOINTS if each.has_body]
CLOSED = [each for each in WITH_BODY if each.media != faults.MEDIA and not each.takes_form]
with_body = pytest.mark.parametrize("endpoint", CLOSED, ids=lambda e: e.operation_id)
passing_over = pytest.mark.parametrize(
    "endpoint", [one for one in WITH_BODY if one not in CLOSED], ids=lambda e: e.operation_id
)


def internal() -> set[str]:
    """Return the name of every field of the rooms' messages and answers, as a client writes it."""
    kinds = [Principal]
    for room in (identity, files, sharing, audit):
        kinds += [one for one in vars(room).values() if isinstance(one, type) and attrs.has(one)]
    names = {field.name for kind in kinds for field in attrs.fields(kind)}
    return names | {msgspec.structs.fields(_camel(name))[0].encode_name for name in names}


def _camel(name: str) -> Any:
    return msgspec.defstruct("One", [(name, int)], rename="camel")


def shapes_in(kind: Any) -> Iterator[type[msgspec.Struct]]:
    """Yield a shape and those within it."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
        for field in msgspec.structs.fields(kind):
            yield from shapes_in(field.type)
    for within in get_args(kind):
        yield from shapes_in(within)


@pytest.mark.requirement("X18")
@with_body
def test_every_shape_is_closed(endpoint: Endpoint) -> None:
    """Whoever adds a shape, or one within another, forbids what is not in it."""
    found = [*shapes_in(endpoint.body), *shapes_in(endpoint.query)]
    assert [
        kind.__name__ for kind in found if not kind.__struct_config__.forbid_unknown_fields
    ] == []


@pytest.mark.requirement("X18")
@with_body
def test_no_field_of_the_rooms_can_be_set(endpoint: Endpoint) -> None:
    """Each that is not in the shape is refused by its name."""
    _, body = GOOD[endpoint.operation_id]
    known = {field.encode_name for field in msgspec.structs.fields(endpoint.body)}
    names = internal() - known
    assert len(names) > 200
    for name in names:
        with pytest.raises(Rejected) as refused:
            decoding.body(json.dumps({**(body or {}), name: None}).encode(), endpoint.body)
        assert name in str(refused.value.detail)


@pytest.mark.requirement("X18")
@passing_over
def test_a_directory_sets_nothing_but_what_the_shape_has(endpoint: Endpoint) -> None:
    """SCIM passes over what is not known, wherever it stands; so it means nothing.

    Likewise where a form is taken, as OpenID has it.
    """
    _, body = GOOD[endpoint.operation_id]
    known = {field.encode_name for field in msgspec.structs.fields(endpoint.body)}
    names = internal() - known
    plain = decoding.body(json.dumps(body or {}).encode(), endpoint.body)
    for name in names:
        raw = json.dumps({**(body or {}), name: "set"}).encode()
        assert decoding.body(raw, endpoint.body) == plain
