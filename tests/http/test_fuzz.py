"""Schemathesis: requests made from the OpenAPI document, good and bad, never break the edge."""

import json
from typing import Any

import pytest
import requests
import schemathesis
import trio
from hypothesis import HealthCheck, Phase, assume, given, settings
from schemathesis import GenerationMode

from bitvault.http.app import openapi_document
from bitvault.http.routes import ENDPOINTS
from bitvault.http.scim import faults
from tests.http.support.rooms import TOKEN, World

SCHEMA = schemathesis.openapi.from_dict(json.loads(openapi_document()))
FUZZ = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def prepared(case: Any) -> requests.PreparedRequest:
    """Render a case as it would go over the wire."""
    fields = case.as_transport_kwargs(base_url="http://edge")
    fields["headers"] = {**fields["headers"], "Authorization": f"Bearer {TOKEN}"}
    try:
        return requests.Request(**fields).prepare()
    except (ValueError, requests.exceptions.InvalidHeader):
        assume(False)
        raise


async def answer_to(world: World, request: requests.PreparedRequest) -> tuple[int, str, bytes]:
    """Send it; answer status, media type and body."""
    answer = await world.send(
        str(request.method),
        request.path_url,
        data=request.body or b"",
        headers={name: str(value) for name, value in request.headers.items()},
    )
    return answer.status_code, answer.mimetype or "", await answer.get_data()


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda e: e.operation_id)
def test_no_request_breaks_an_endpoint(endpoint: Any, mode: GenerationMode) -> None:
    """Whatever is sent: no 5xx, a declared status, and a problem for every no."""
    operation = SCHEMA[endpoint.path][endpoint.method]
    world = World(free=1 << 62)

    @FUZZ
    @given(operation.as_strategy(generation_mode=mode))
    def one(case: Any) -> None:
        status, media, raw = trio.run(answer_to, world, prepared(case))
        assert status < 500 or status in endpoint.answers, raw
        # A made-up path parameter may lead to another route, or to none.
        declared = {int(code) for code in operation.definition.raw["responses"]}
        assert status in declared | {404, 405}, raw
        said = faults.MEDIA if endpoint.media == faults.MEDIA else "application/problem+json"
        assert status < 400 or media in {said, "application/problem+json"}
        assert status >= 400 or media != "application/problem+json"

    one()
