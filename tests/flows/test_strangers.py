"""A foreign id is answered as one that does not exist, byte for byte, on every route."""

import re
from typing import Any

import httpx
import pytest

from bitvault.http.routes import ENDPOINTS
from tests.flows.belongings import HASH, Belongings, make
from tests.support.daemon import Daemon
from tests.support.tables import unchanged

PART = {"partNumber": 1, "etag": '"e"', "hash": HASH}
FILE = {"size": 9, "hash": HASH}
ROUTES: list[tuple[str, str, Any]] = [
    ("GET", "/v1/files/{node}", None),
    ("GET", "/v1/files/{node}/content", None),
    ("GET", "/v1/files/{node}/versions", None),
    ("PATCH", "/v1/files/{node}", {"name": "mine"}),
    ("DELETE", "/v1/files/{node}", None),
    ("POST", "/v1/files/{node}/copy", {"parentPath": "/"}),
    ("POST", "/v1/files/{node}/versions/1/restore", None),
    ("GET", "/v1/files/{node}/grants", None),
    ("PUT", "/v1/files/{node}/grants/{user}", {"role": "viewer"}),
    ("PUT", "/v1/files/{node}/grants/{group}", {"role": "viewer"}),
    ("DELETE", "/v1/files/{node}/grants/{user}", None),
    ("PUT", "/v1/files/{folder}/restriction", None),
    ("DELETE", "/v1/files/{folder}/restriction", None),
    ("GET", "/v1/files/{node}/access", None),
    ("POST", "/v1/files/{node}/links", {"label": "mine"}),
    ("GET", "/v1/files/{node}/links", None),
    ("GET", "/v1/links/{link}", None),
    ("PATCH", "/v1/links/{link}", {"revoked": True}),
    ("DELETE", "/v1/links/{link}", None),
    ("GET", "/v1/files?path={space}:/", None),
    ("GET", "/v1/files?path=/&spaceId={space}", None),
    ("POST", "/v1/files/content", {"items": [{"id": "{node}"}]}),
    ("GET", "/v1/folders/{folder}/children", None),
    ("GET", "/v1/folders/children?path=/&spaceId={space}", None),
    ("POST", "/v1/folders", {"parentId": "{folder}", "name": "mine"}),
    ("POST", "/v1/folders", {"path": "/mine", "spaceId": "{space}"}),
    ("POST", "/v1/files", {**FILE, "parentId": "{folder}", "name": "mine"}),
    ("POST", "/v1/files", {**FILE, "path": "/mine", "spaceId": "{space}"}),
    ("POST", "/v1/files/batch", {"items": [{**FILE, "parentId": "{folder}", "name": "mine"}]}),
    ("GET", "/v1/files/uploads/{opened}", None),
    ("DELETE", "/v1/files/uploads/{opened}", None),
    ("POST", "/v1/files/uploads/{parts}/parts", {"partNumbers": [1]}),
    ("POST", "/v1/files/uploads/{opened}/url", None),
    ("POST", "/v1/files/{sent}/commit", {"hash": HASH}),
    ("POST", "/v1/files/{committed}/commit", {"hash": HASH}),
    ("POST", "/v1/files/{parts}/commit", {"hash": HASH, "parts": [PART]}),
    ("POST", "/v1/files/commits", {"items": [{"uploadId": "{committed}", "hash": HASH}]}),
    ("GET", "/v1/trash?spaceId={space}", None),
    ("POST", "/v1/trash/{entry}/restore", None),
    ("DELETE", "/v1/trash/{entry}", None),
    ("POST", "/v1/batch", {"operations": [{"op": "trash", "id": "{node}"}]}),
    ("POST", "/v1/batch", {"operations": [{"op": "purge", "entryId": "{entry}"}]}),
    ("POST", "/v1/batch", {"operations": [{"op": "copy", "id": "{node}", "parentPath": "/"}]}),
    ("GET", "/v1/spaces/{space}", None),
    ("PATCH", "/v1/spaces/{space}", {"name": "Mine"}),
    ("DELETE", "/v1/spaces/{space}", None),
    ("GET", "/v1/spaces/{space}/members", None),
    ("PUT", "/v1/spaces/{space}/members/{user}", {"role": "manager"}),
    ("GET", "/v1/spaces/{space}/members/{user}", None),
    ("DELETE", "/v1/spaces/{space}/members/{user}", None),
    ("GET", "/v1/users/{user}", None),
    ("PATCH", "/v1/users/{user}", {"isDisabled": True}),
    ("DELETE", "/v1/users/{user}", None),
    ("DELETE", "/v1/users/{user}/sessions", None),
    ("POST", "/v1/users/{robot}/tokens", {"name": "mine"}),
    ("GET", "/v1/users/{robot}/tokens", None),
    ("DELETE", "/v1/users/{robot}/tokens/{robot_token}", None),
    ("GET", "/v1/groups/{group}", None),
    ("PATCH", "/v1/groups/{group}", {"name": "Mine"}),
    ("DELETE", "/v1/groups/{group}", None),
    ("GET", "/v1/groups/{group}/members", None),
    ("PUT", "/v1/groups/{group}/members/{user}", None),
    ("DELETE", "/v1/groups/{group}/members/{user}", None),
    ("GET", "/v1/sessions/{session}", None),
    ("DELETE", "/v1/sessions/{session}", None),
    ("GET", "/v1/tokens/{token}", None),
    ("DELETE", "/v1/tokens/{token}", None),
    ("GET", "/v1/admin/tenants/{tenant}", None),
    ("PATCH", "/v1/admin/tenants/{tenant}", {"isSuspended": True}),
    ("GET", "/v1/admin/tenants/{tenant}/policy", None),
    ("PATCH", "/v1/admin/tenants/{tenant}/policy", {"passwordRequired": True}),
    ("GET", "/v1/audit?nodeId={node}", None),
    ("GET", "/v1/audit?userId={user}", None),
    ("POST", "/v1/admin/dead-letters/replay", {"aggregateId": "{node}"}),
]


PASSING = {"date", "ratelimit"}
"""Headers that tell of the moment, and of nothing else."""


@pytest.fixture(scope="module")
def owned(standing: Daemon) -> Belongings:
    """Have one of everything in the first tenant."""
    with standing.client() as client:
        return make(client)


@pytest.mark.parametrize(("method", "path", "body"), ROUTES, ids=lambda one: str(one)[:60])
def test_a_foreign_id_is_like_an_invented_one(
    standing: Daemon, stranger: httpx.Client, owned: Belongings, method: str, path: str, body: Any
) -> None:
    """Status, headers and body are the same but for the request and the id itself."""
    invented = Belongings.invented()
    with unchanged(standing):
        told = [answer(stranger, ids, method, path, body) for ids in (owned, invented)]
    assert told[0] == told[1]
    if path.startswith("/v1/admin/tenants"):
        assert told[0].startswith("403")  # who is no operator learns of no tenant, not even the own
        return
    nothing = ('"items":[]', '"problem":{', '"applied":0')
    assert told[0].startswith("404") or any(one in told[0] for one in nothing), told[0]


def test_every_route_with_an_id_is_tried() -> None:
    """A new route does not slip past this list."""
    shapes = [re.sub(r"\{\w+\}", "*", path.partition("?")[0]) for _, path, _ in ROUTES]
    tried = {(method, shape) for (method, _, _), shape in zip(ROUTES, shapes, strict=True)}
    tried |= {(method, path.replace("/1/", "/*/")) for method, path in tried}
    wanted = {
        (each.method, re.sub(r"\{\w+\}", "*", each.path)) for each in ENDPOINTS if "{" in each.path
    }
    assert wanted <= tried


def answer(client: httpx.Client, ids: Belongings, method: str, path: str, body: Any) -> str:
    """Send the request with these ids; return all that came back, without what names it."""
    reply = client.request(method, ids.fill(path), json=ids.fill(body))
    kept = {name: text for name, text in reply.headers.items() if name not in PASSING}
    whole = f"{reply.status_code} {sorted(kept.items())} {reply.text}"
    for name in [
        reply.headers["x-request-id"],
        *re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", whole),
    ]:
        whole = whole.replace(name, "*")
    return whole
