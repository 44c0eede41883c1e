"""Every route with every id that it takes; and what is wrong where a wall has a hole.

The one list of examples stands here: whoever adds a route adds a line, and the matrix of
``test_strangers`` does the rest.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from bitvault.http.endpoint import Endpoint
from bitvault.http.routes import ENDPOINTS
from tests.flows.belongings import HASH, Belongings
from tests.flows.matrix import Example, code_of, endpoint_of, is_nothing, send, told
from tests.http.support.requests import GOOD
from tests.support.daemon import Daemon

PART = {"partNumber": 1, "etag": '"e"', "hash": HASH}
FILE = {"size": 9, "hash": HASH}
INACTIVE = {"op": "replace", "path": "active", "value": False}
JOINED = {"op": "add", "path": "members", "value": [{"value": "{user}"}]}
UNNAMED = {("scim_change_group", "value")}
"""Ids that stand where a shape takes anything."""
ROUTES: list[tuple[str, str, Any]] = [
    ("GET", "/v1/files/{node}", None),
    ("GET", "/v1/files/{node}/content", None),
    ("GET", "/v1/files/{node}/versions", None),
    ("PATCH", "/v1/files/{node}", {"name": "mine"}),
    ("DELETE", "/v1/files/{node}", None),
    ("POST", "/v1/files/{node}/copy", {"parentPath": "/"}),
    ("POST", "/v1/files/{node}/versions/1/restore", None),
    ("GET", "/v1/files/{node}/grants", None),
    ("GET", "/v1/files/{node}/grants/{group}", None),
    ("PUT", "/v1/files/{node}/grants/{user}", {"role": "viewer"}),
    ("PUT", "/v1/files/{node}/grants/{group}", {"role": "viewer"}),
    ("DELETE", "/v1/files/{node}/grants/{user}", None),
    ("PUT", "/v1/files/{folder}/restriction", None),
    ("DELETE", "/v1/files/{folder}/restriction", None),
    ("GET", "/v1/files/{node}/access", None),
    ("POST", "/v1/files/{node}/access/preview", {"grant": {"granteeId": "{user}"}}),
    ("POST", "/v1/files/{node}/access/preview", {"moveTo": {"parentId": "{folder}"}}),
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
    ("POST", "/v1/files/aborts", {"items": [{"uploadId": "{opened}"}]}),
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
    ("POST", "/v1/users/{robot}/tokens", {"name": "mine", "confinedTo": "{node}"}),
    ("POST", "/v1/tokens", {"name": "mine", "scope": "admin", "confinedTo": "{node}"}),
    ("GET", "/v1/users/{robot}/tokens", None),
    ("DELETE", "/v1/users/{robot}/tokens/{robot_token}", None),
    ("GET", "/v1/users/{user}/email", None),
    ("PUT", "/v1/users/{user}/email", {"email": "eve@example.org"}),
    (
        "POST",
        "/v1/invitations",
        {"email": "eve@example.org", "login": "eve", "groups": ["{group}"]},
    ),
    ("GET", "/v1/invitations/{invitation}", None),
    ("POST", "/v1/invitations/{invitation}/send", None),
    ("DELETE", "/v1/invitations/{invitation}", None),
    ("POST", "/v1/admin/mail/{mail}/resend", None),
    ("GET", "/v1/groups/{group}", None),
    ("PATCH", "/v1/groups/{group}", {"name": "Mine"}),
    ("DELETE", "/v1/groups/{group}", None),
    ("GET", "/v1/groups/{group}/members", None),
    ("PUT", "/v1/groups/{group}/members/{user}", None),
    ("DELETE", "/v1/groups/{group}/members/{user}", None),
    ("GET", "/scim/v2/Users/{user}", None),
    ("PUT", "/scim/v2/Users/{user}", {"userName": "mine"}),
    ("PATCH", "/scim/v2/Users/{user}", {"Operations": [INACTIVE]}),
    ("DELETE", "/scim/v2/Users/{user}", None),
    ("POST", "/scim/v2/Groups", {"displayName": "mine", "members": [{"value": "{user}"}]}),
    ("GET", "/scim/v2/Groups/{group}", None),
    ("PUT", "/scim/v2/Groups/{group}", {"displayName": "mine", "members": [{"value": "{user}"}]}),
    ("PATCH", "/scim/v2/Groups/{group}", {"Operations": [JOINED]}),
    ("DELETE", "/scim/v2/Groups/{group}", None),
    ("GET", "/v1/sessions/{session}", None),
    ("DELETE", "/v1/sessions/{session}", None),
    ("GET", "/v1/tokens/{token}", None),
    ("DELETE", "/v1/tokens/{token}", None),
    ("GET", "/v1/admin/tenants/{tenant}", None),
    ("PATCH", "/v1/admin/tenants/{tenant}", {"isSuspended": True}),
    ("GET", "/v1/admin/tenants/{tenant}/policy", None),
    ("PATCH", "/v1/admin/tenants/{tenant}/policy", {"passwordRequired": True}),
    ("GET", "/v1/admin/tenants/{tenant}/quota", None),
    ("PATCH", "/v1/admin/tenants/{tenant}/quota", {"quota": 1}),
    ("PUT", "/v1/admin/tenants/{tenant}/erasure", {"name": "default"}),
    ("GET", "/v1/admin/tenants/{tenant}/erasure", None),
    ("DELETE", "/v1/admin/tenants/{tenant}/erasure", None),
    ("POST", "/v1/admin/tenants/{tenant}/export", None),
    ("PATCH", "/v1/tenant/templates", {"kind": "team", "nodeId": "{folder}"}),
    ("GET", "/v1/users/{user}/quota", None),
    ("PATCH", "/v1/users/{user}/quota", {"quota": 1}),
    ("GET", "/v1/audit?nodeId={node}", None),
    ("GET", "/v1/audit?userId={user}", None),
    ("POST", "/v1/admin/dead-letters/replay", {"aggregateId": "{node}"}),
    ("PATCH", "/v1/files/{node}", {"parentId": "{spare}"}),
    ("POST", "/v1/files/{node}/copy", {"parentId": "{spare}"}),
    ("POST", "/v1/files/content", {"items": [{"path": "/", "spaceId": "{space}"}]}),
    ("POST", "/v1/files/batch", {"items": [{**FILE, "path": "/mine", "spaceId": "{space}"}]}),
    ("POST", "/v1/trash/{entry}/restore", {"parentId": "{spare}"}),
    ("POST", "/v1/batch", {"operations": [{"op": "mkdir", "path": "/mine", "spaceId": "{space}"}]}),
    ("POST", "/v1/batch", {"operations": [{"op": "move", "id": "{node}", "parentId": "{spare}"}]}),
    ("DELETE", "/v1/users/{robot}?heir={user}", None),
    ("GET", "/v1/identity-providers/{provider}", None),
    ("PATCH", "/v1/identity-providers/{provider}", {"name": "mine"}),
    ("DELETE", "/v1/identity-providers/{provider}", None),
]

PUBLIC = {("begin_sign_in", "id"), ("finish_sign_in", "id"), ("log_out_of_provider", "id")}
"""Ids that whoever wants to log in is shown: they hide nothing and open nothing."""
MADE_UP = {"visit"}
"""Ids that clients invent: they lead to nothing that was there before."""
_POLICIES = """
    SELECT polrelid::regclass::text, pg_get_expr(polqual, polrelid),
           pg_get_expr(polwithcheck, polrelid)
      FROM pg_policy WHERE polname = 'tenant' ORDER BY 1
"""


@contextmanager
def open_policies(daemon: Daemon) -> Iterator[None]:
    """Take the second wall down meanwhile: row-level security shows and takes every row."""
    policies = daemon.rows(_POLICIES)
    assert len(policies) > 30
    try:
        for table, *_ in policies:  # one at a time: no lock is waited for with another in hand
            daemon.rows(f"ALTER POLICY tenant ON {table} USING (true) WITH CHECK (true)")
        yield
    finally:
        for table, seen, written in policies:
            daemon.rows(f"ALTER POLICY tenant ON {table} USING ({seen}) WITH CHECK ({written})")
    assert daemon.rows(_POLICIES) == policies


def closed() -> Iterator[tuple[Endpoint, Example]]:
    """Yield an example for every route that needs a token; for those without an id, the edge's."""
    tried = {endpoint_of(example).operation_id for example in ROUTES}
    rest = [each for each in ENDPOINTS if each.operation_id not in tried]
    for example in [*ROUTES, *((each.method, *GOOD[each.operation_id]) for each in rest)]:
        endpoint = endpoint_of(example)
        if not endpoint.is_open:
            yield endpoint, example


def hidden(client: httpx.Client, example: Example, real: Belongings, other: Belongings) -> str:
    """Return what is wrong if an answer tells something, or differs from that for other ids."""
    answers = [told(send(client, example, ids)) for ids in (real, other)]
    if answers[0] == answers[1] and (is_nothing(answers[0]) or answers[0].startswith("403")):
        return ""
    return "\n    ".join([str(example), *answers])


def refused(client: httpx.Client, example: Example, ids: Belongings, code: str) -> str:
    """Return what is wrong if the request is not refused with 403 for that reason."""
    reply = send(client, example, ids)
    if reply.status_code == 403 and code_of(reply) == code:
        return ""
    return f"{example} {reply.status_code} {reply.text}"


def lines(found: Iterable[str]) -> str:
    """Join what is wrong."""
    return "\n".join(filter(None, found))
