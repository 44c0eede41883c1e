"""Every kind of wrong request, sent to the real daemon: a problem by name, and no row changed."""

import json
from typing import Any
from uuid import UUID

import httpx
import pytest
from attrs import frozen

from bitvault.kernel.paging import encode_cursor
from tests.flows.belongings import HASH, LARGE, Belongings, make
from tests.support.daemon import Daemon
from tests.support.tables import unchanged
from tests.support.uploads import sha256

FILE = {"path": "/bad", "size": 9, "hash": HASH}
OTHER = sha256(b"other bytes")
PART = {"partNumber": 1, "etag": '"e"', "hash": HASH}
IDP = "/v1/identity-providers"
PROVIDER = {"name": "Acme", "issuer": "https://id.example.org", "clientId": "bv"}
START = "/v1/sso/{provider}/start?challenge=" + "c" * 43
SEVEN = "sha256-7:" + "a" * 64
CLAIM = "/v1/files/{parts}/commit"
ABORTS = "/v1/files/aborts"
PARTS = "/v1/files/uploads/{parts}/parts"


@frozen
class Wrong:
    """A request, and how it is refused; ``field`` is None where none is at fault."""

    method: str
    path: str
    body: Any
    status: int
    code: str
    field: str | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path} {json.dumps(self.body)[:40]} {self.code}"


def init(field: str, value: object, *, status: int = 400, code: str = "invalid") -> Wrong:
    """Announce a file with one wrong member."""
    return Wrong("POST", "/v1/files", {**FILE, field: value}, status, code, field)


MEMBERS = [
    *(init("size", size) for size in (-1, 1 << 63, 1 << 200, 1.5, "9", None, True, [9])),
    *(init("hash", wrong) for wrong in ("md5:1", HASH.upper(), HASH + "\n", HASH[:-1], 5)),
    *(init("path", path) for path in ("", "relative", "/a/../b", "/./a", "/a//b", "/a/", "/a\0b")),
    *(init("path", path) for path in ("/a\\b", "/" + "x" * 256, "/\u202etxt", "/\u0378", 3)),
    init("path", "/" + "d/" * 500 + "f", status=409, code="tree_rule"),
    init("path", "/x" * 9000),
    init("path", "Nobody:/x", status=404, code="space_not_found"),
    *(init(name, "x") for name in ("ifExists", "spaceId", "contentType", "contentModifiedAt")),
    init("contentType", "text/plain\r\nX-Evil: 1"),
    init("baseVersion", -1),
    init("colour", "red"),
    Wrong("POST", "/v1/files", {**FILE, "baseVersion": 7}, 409, "stale_base"),
    Wrong("POST", "/v1/files", {**FILE, "size": 1 << 31, "hash": None}, 413, "quota_exceeded"),
    # Storage alone knows a file's plan and so its hash's form, and is asked after the reservation.
    *(
        Wrong("POST", "/v1/files", {"path": "/b", **body}, 400, "invalid", "hash")
        for body in ({"size": 9}, {"size": 9, "hash": SEVEN}, {"size": LARGE, "hash": HASH})
    ),
    Wrong("POST", "/v1/files", {"hash": HASH, "size": 9}, 400, "invalid", "path"),
    Wrong("POST", "/v1/files", [FILE], 400, "invalid", "body"),
    Wrong("POST", "/v1/files/batch", {"items": []}, 400, "invalid", "items"),
    Wrong("POST", "/v1/files/batch", {"items": [FILE] * 1001}, 400, "invalid", "items"),
    Wrong("POST", "/v1/files/batch", {"items": [FILE, {}]}, 400, "invalid", "items[1].size"),
]

UPLOADS = [
    Wrong("POST", "/v1/files/{opened}/commit", {"hash": sha256(b"opened")}, 409, "bytes_missing"),
    Wrong("POST", "/v1/files/{sent}/commit", {"hash": OTHER}, 422, "bytes_mismatch", "hash"),
    Wrong("POST", "/v1/files/{sent}/commit", {"hash": SEVEN}, 400, "invalid", "hash"),
    Wrong("POST", "/v1/files/{sent}/commit", {}, 400, "invalid", "hash"),
    Wrong(
        "POST", "/v1/files/{sent}/commit", {"hash": sha256(b"sent only"), "etag": '"no"'},
        422, "bytes_mismatch", "etag",
    ),
    Wrong("POST", "/v1/files/{aborted}/commit", {"hash": HASH}, 409, "upload_closed"),
    Wrong("POST", "/v1/files/uploads/{aborted}/url", None, 409, "upload_closed"),
    Wrong("POST", "/v1/files/uploads/{committed}/url", None, 409, "upload_closed"),
    Wrong("DELETE", "/v1/files/uploads/{committed}", None, 409, "upload_closed"),
    *(
        Wrong("POST", ABORTS, {"items": items}, 400, "invalid", field)
        for items, field in (
            ([], "items"),
            (None, "items"),
            ([{"uploadId": "{opened}"}] * 1001, "items"),
            ([{"uploadId": "{opened}"}, {}], "items[1].uploadId"),
            ([{"uploadId": "{opened}"}, {"uploadId": "x"}], "items[1].uploadId"),
            ([{"uploadId": "{opened}", "force": True}], "items[0].force"),
            (["{opened}"], "items[0]"),
        )
    ),
    Wrong("POST", CLAIM, {"hash": SEVEN}, 409, "bytes_missing"),
    Wrong("POST", CLAIM, {"hash": SEVEN, "parts": [PART]}, 409, "bytes_missing"),
    Wrong("POST", CLAIM, {"hash": HASH, "parts": [PART]}, 400, "invalid", "hash"),
    Wrong(
        "POST", "/v1/files/uploads/{opened}/parts", {"partNumbers": [1]},
        400, "invalid", "uploadId",
    ),
    Wrong("POST", PARTS, {"partNumbers": [0]}, 400, "invalid", "partNumbers[0]"),
    Wrong("POST", PARTS, {"partNumbers": [8]}, 400, "invalid", "partNumbers"),
    Wrong("POST", PARTS, {"partNumbers": [10_001]}, 400, "invalid", "partNumbers[0]"),
    Wrong("POST", PARTS, {"partNumbers": [1, 1]}, 400, "invalid", "partNumbers"),
    Wrong("POST", PARTS, {"partNumbers": ["1"]}, 400, "invalid", "partNumbers[0]"),
    Wrong("POST", PARTS, {}, 400, "invalid", "partNumbers"),
]  # fmt: skip

TREES = [
    Wrong("PATCH", "/v1/files/{node}", {"name": ".."}, 400, "invalid", "name"),
    Wrong("PATCH", "/v1/files/{node}", {"name": "a/b"}, 400, "invalid", "name"),
    Wrong("PATCH", "/v1/files/{node}", {}, 400, "invalid", "name"),
    Wrong("PATCH", "/v1/files/{node}", {"parentId": "{node}"}, 409, "kind_mismatch"),
    Wrong("PATCH", "/v1/files/{folder}", {"parentId": "{folder}"}, 409, "tree_rule", "parentId"),
    Wrong("POST", "/v1/files/{folder}/copy", {}, 400, "invalid", "parentPath"),
    Wrong("POST", "/v1/files/{node}/versions/9/restore", None, 404, "version_not_found"),
    Wrong("POST", "/v1/files/{node}/versions/0/restore", None, 400, "invalid", "n"),
    Wrong("GET", "/v1/files/{folder}/content", None, 409, "kind_mismatch"),
    Wrong("GET", "/v1/files/{node}/content?version=-1", None, 400, "invalid", "version"),
    Wrong("GET", "/v1/files/%00", None, 400, "invalid", "id"),
    Wrong("GET", "/v1/folders/{folder}/children?limit=0", None, 400, "invalid", "limit"),
    Wrong("GET", "/v1/folders/{folder}/children?cursor=e30", None, 400, "invalid", "cursor"),
    Wrong("GET", "/v1/folders/{folder}/children?colour=red", None, 400, "invalid", "colour"),
    Wrong("POST", "/v1/folders", {"parentId": "{node}", "name": "x"}, 409, "kind_mismatch"),
    Wrong("POST", "/v1/folders", {"path": "/"}, 409, "name_taken"),
    Wrong("POST", "/v1/batch", {"operations": [{"op": "no"}]}, 400, "invalid", "operations[0].op"),
    Wrong("PATCH", "/v1/spaces/{space}", {"quota": -1}, 400, "invalid", "quota"),
    Wrong("POST", "/v1/spaces", {"name": "a:b/c"}, 400, "invalid", "name"),
    Wrong("POST", "/v1/users", {"login": "eve", "password": "short"}, 400, "invalid", "password"),
    Wrong("POST", "/v1/users", {"login": "admin", "password": "x" * 9}, 409, "login_taken"),
    Wrong("POST", "/v1/users", {"login": "eve"}, 400, "invalid", "password"),
    Wrong(
        "POST", "/v1/users", {"login": "eve", "kind": "service", "password": "x" * 9},
        400, "invalid", "password",
    ),
    Wrong("POST", "/v1/users", {"login": "eve", "kind": "group"}, 400, "invalid", "kind"),
    Wrong("PATCH", "/v1/users/{user}", {"isDisabled": True}, 409, "last_admin"),
    Wrong("PATCH", "/v1/users/{user}", {"isAdmin": False}, 409, "last_admin"),
    Wrong("PATCH", "/v1/users/{user}", {"displayName": "a\nb"}, 400, "invalid", "displayName"),
    Wrong("PATCH", "/v1/users/{user}", {"login": "root"}, 400, "invalid", "login"),
    Wrong("DELETE", "/v1/users/{user}", None, 409, "last_admin"),
    Wrong("DELETE", "/v1/users/{robot}?heir={robot}", None, 400, "invalid", "heir"),
    Wrong("DELETE", "/v1/users/{robot}?heir={group}", None, 404, "user_not_found"),
    Wrong("DELETE", "/v1/users/{robot}?heir=ann", None, 400, "invalid", "heir"),
    Wrong("POST", "/v1/users/{user}/tokens", {"name": "x"}, 403, "forbidden"),
    Wrong("GET", "/v1/users/{user}/tokens", None, 403, "forbidden"),
    Wrong("DELETE", "/v1/users/{robot}/tokens/{token}", None, 404, "credential_not_found"),
    Wrong(
        "POST", "/v1/admin/tenants", {"name": "Default", "login": "x", "password": "y" * 9},
        409, "tenant_taken",
    ),
    Wrong("POST", "/v1/admin/tenants", {"name": "new"}, 400, "invalid", "login"),
    Wrong("PATCH", "/v1/admin/tenants/{user}", {"isSuspended": True}, 404, "tenant_not_found"),
    Wrong("PATCH", "/v1/admin/tenants/{user}", {"maxUsers": 0}, 400, "invalid", "maxUsers"),
    Wrong("PATCH", "/v1/admin/tenants/{tenant}", {"rate": 5}, 400, "invalid", "burst"),
    Wrong("PUT", "/v1/admin/tenants/{tenant}/erasure", {"name": "default"}, 403, "forbidden"),
    Wrong("PUT", "/v1/admin/tenants/{tenant}/erasure", {"name": "x"}, 400, "invalid", "name"),
    Wrong("PUT", "/v1/admin/tenants/{user}/erasure", {"name": "x"}, 404, "tenant_not_found"),
    Wrong("POST", "/v1/admin/tenants/{tenant}/export", {}, 409, "tenant_not_suspended"),
    Wrong("POST", "/v1/admin/tenants/{user}/export", {}, 404, "tenant_not_found"),
    Wrong(
        "POST", "/v1/admin/tenants/{tenant}/export",
        {"cursor": encode_cursor(["export", "node", "abc"])}, 400, "invalid", "cursor",
    ),
    Wrong("DELETE", "/v1/admin/tenants/{tenant}/erasure", None, 404, "erasure_not_found"),
    Wrong("GET", "/v1/admin/jobs/everything", None, 404, "job_not_found"),
    Wrong("POST", "/v1/admin/jobs/everything/run", None, 404, "job_not_found"),
    Wrong("PATCH", "/v1/tenant/templates", {"kind": "home"}, 400, "invalid", "kind"),
    Wrong(
        "PATCH", "/v1/tenant/templates", {"kind": "team", "nodeId": "{node}"},
        409, "kind_mismatch",
    ),
    Wrong("PATCH", "/v1/tenant/quota", {"quota": 5}, 400, "invalid", "quota"),
    Wrong("PATCH", "/v1/tenant/quota", {"spaceQuota": -1}, 400, "invalid", "spaceQuota"),
    Wrong(
        "PATCH", "/v1/admin/tenants/{tenant}/quota", {"quota": 5, "spaceQuota": 6},
        400, "invalid", "spaceQuota",
    ),
    Wrong("PATCH", "/v1/admin/tenants/{user}/quota", {"quota": 5}, 404, "tenant_not_found"),
    Wrong("PATCH", "/v1/users/{space}/quota", {"quota": 5}, 404, "user_not_found"),
    Wrong(
        "PATCH", "/v1/users/{user}/quota", {"quota": 5, "useDefault": True},
        400, "invalid", "useDefault",
    ),
    Wrong("PATCH", "/v1/tenant/policy", {"minPassword": 7}, 400, "invalid", "minPassword"),
    Wrong(
        "PATCH", "/v1/tenant/policy", {"longestLife": 5, "defaultLife": 6},
        400, "invalid", "defaultLife",
    ),
    Wrong(
        "PATCH", "/v1/admin/tenants/{user}/policy", {"longestLife": 5}, 404, "tenant_not_found"
    ),
    Wrong("PATCH", "/v1/users/{user}", {"isOperator": False}, 409, "last_operator"),
    *(
        Wrong("POST", "/v1/groups", {"name": name}, 400, "invalid", "name")
        for name in ("", " x", "a\nb", "x" * 129, "cod\u202efdp", 3)
    ),
    Wrong("POST", "/v1/groups", {"name": "g", "members": []}, 400, "invalid", "members"),
    *(
        Wrong("POST", IDP, {**PROVIDER, field: wrong}, 400, "invalid", field)
        for field, wrong in (
            ("issuer", "https://10.0.0.1"), ("issuer", "http://example.org"), ("issuer", "x"),
            ("name", " "), ("clientId", ""), ("clientSecret", "\u00e4"), ("scopes", ["profile"]),
            ("emailDomains", ["x"]), ("groupMap", {"a": " "}), ("makeUsers", True),
        )
    ),
    Wrong("PATCH", IDP + "/{provider}", {"issuer": "https://e.org"}, 400, "invalid", "issuer"),
    Wrong("PATCH", IDP + "/{provider}", {"scopes": ["x"]}, 400, "invalid", "scopes"),
    Wrong("PATCH", IDP + "/{group}", {"name": "x"}, 404, "provider_not_found"),
    Wrong("DELETE", IDP + "/{group}", None, 404, "provider_not_found"),
    Wrong("GET", START + "&returnTo=//evil.org", None, 400, "invalid", "returnTo"),
    Wrong("GET", START + "&returnTo=https://evil.org/", None, 400, "invalid", "returnTo"),
    Wrong("GET", START, None, 400, "invalid", "returnTo"),
    Wrong("GET", "/v1/sso/{group}/start?challenge=" + "c" * 43 + "&returnTo=/", None, 404,
          "provider_not_found"),
    Wrong("GET", "/v1/sso/{provider}/callback?code=x&state=x", None, 403, "sign_in_refused"),
    Wrong("GET", "/v1/sso/{group}/callback", None, 403, "sign_in_refused"),
    Wrong("POST", "/v1/sso/sessions", {"code": "x", "verifier": "v"}, 400, "invalid", "verifier"),
    Wrong("POST", "/v1/sso/sessions", {"code": "x", "verifier": "v" * 43}, 403, "sign_in_refused"),
    Wrong("POST", "/v1/sessions/refresh", {}, 400, "invalid", "refreshToken"),
    Wrong("POST", "/v1/sessions/refresh", {"refreshToken": 7}, 400, "invalid", "refreshToken"),
    Wrong("POST", "/v1/sessions/refresh", {"refreshToken": "bvf_x"}, 401, "unauthenticated"),
    Wrong("POST", "/v1/sso/{provider}/logout", {}, 400, "invalid", "logout_token"),
    Wrong("POST", "/v1/sso/{provider}/logout", {"logout_token": "a.b.c"}, 400, "logout_refused",
          "logout_token"),
    Wrong("POST", "/v1/sso/{group}/logout", {"logout_token": "a.b.c"}, 400, "logout_refused",
          "logout_token"),
    Wrong("PATCH", "/v1/groups/{group}", {}, 400, "invalid", "name"),
    Wrong("GET", "/v1/groups/{group}/members?cursor=e30", None, 400, "invalid", "cursor"),
    Wrong("PUT", "/v1/groups/{group}/members/{group}", None, 404, "user_not_found"),
    Wrong("PUT", "/v1/groups/{user}/members/{user}", None, 404, "group_not_found"),
    Wrong("PUT", "/v1/files/{node}/grants/{user}", {"role": "owner"}, 400, "invalid", "role"),
    Wrong("PUT", "/v1/files/{node}/grants/{user}", {}, 400, "invalid", "role"),
    Wrong("PUT", "/v1/files/{node}/grants/{node}", {"role": "viewer"}, 404, "grantee_not_found"),
    Wrong(
        "PUT", "/v1/files/{node}/grants/00000000-0000-0000-0000-000000000000",
        {"role": "manager"}, 400, "invalid", "role",
    ),
    Wrong("GET", "/v1/files/{node}/grants/{user}", None, 404, "grant_not_found"),
    Wrong("DELETE", "/v1/files/{node}/grants/{user}", None, 404, "grant_not_found"),
    Wrong("PUT", "/v1/files/{node}/restriction", None, 400, "invalid", "id"),
    Wrong("GET", "/v1/files/{space}/access", None, 404, "node_not_found"),
    Wrong("POST", "/v1/files/{node}/access/preview", {}, 400, "invalid", "grant"),
    Wrong(
        "POST", "/v1/files/{node}/access/preview", {"link": "viewer", "restricted": True},
        400, "invalid", "grant",
    ),
    Wrong(
        "POST", "/v1/files/{node}/access/preview", {"moveTo": {}},
        400, "invalid", "moveTo.parentPath",
    ),
    Wrong("POST", "/v1/files/{node}/links", {"role": "manager"}, 400, "invalid", "role"),
    Wrong("POST", "/v1/files/{node}/links", {"maxDownloads": 0}, 400, "invalid", "maxDownloads"),
    Wrong("POST", "/v1/files/{node}/links", {"password": "short"}, 400, "invalid", "password"),
    Wrong(
        "POST", "/v1/files/{node}/links", {"expiresAt": "2020-01-01T00:00:00Z"},
        400, "invalid", "expiresAt",
    ),
    Wrong("POST", "/v1/files/{node}/links", {"role": "uploader"}, 400, "invalid", "role"),
    Wrong("POST", "/v1/files/{folder}/links", {"request": {}}, 400, "invalid", "request"),
    Wrong(
        "POST", "/v1/files/{folder}/links", {"role": "uploader", "maxDownloads": 1},
        400, "invalid", "maxDownloads",
    ),
    Wrong(
        "POST", "/v1/files/{folder}/links",
        {"role": "uploader", "request": {"extensions": ["a/b"]}},
        400, "invalid", "request.extensions",
    ),
    Wrong("PATCH", "/v1/links/{link}", {"role": "uploader"}, 400, "invalid", "role"),
    Wrong("PUT", "/v1/files/{node}/grants/{user}", {"role": "uploader"}, 400, "invalid", "role"),
    Wrong(
        "POST", "/v1/files", {**FILE, "sender": {"visit": str(UUID(int=1)), "name": "x"}},
        400, "invalid", "sender",
    ),
    Wrong("PATCH", "/v1/links/{link}", {"label": "x" * 200}, 400, "invalid", "label"),
    Wrong("PATCH", "/v1/links/{node}", {"revoked": True}, 404, "link_not_found"),
    Wrong("GET", "/v1/links?cursor=e30", None, 400, "invalid", "cursor"),
    Wrong("GET", "/v1/shared?cursor=e30", None, 400, "invalid", "cursor"),
    *(
        Wrong("POST", "/v1/invitations", {"login": "eve", "email": email}, 400, "invalid", "email")
        for email in ("eve", "e@x.org\r\nBcc: e@y.org", "e@x.org,e@y.org", "", "é@x.org", 3)
    ),
    Wrong("POST", "/v1/invitations", {"email": "e@x.org"}, 400, "invalid", "login"),
    Wrong(
        "POST", "/v1/invitations", {"email": "e@x.org", "login": "admin"}, 409, "login_taken",
    ),
    Wrong(
        "POST", "/v1/invitations", {"email": "e@x.org", "login": "eve", "groups": ["{user}"]},
        404, "group_not_found",
    ),
    Wrong("DELETE", "/v1/invitations/{user}", None, 404, "invitation_not_found"),
    Wrong("POST", "/v1/invitations/{user}/send", None, 404, "invitation_not_found"),
    Wrong("POST", "/v1/invitations/open", {"token": "bvi_no"}, 404, "invitation_not_found"),
    Wrong(
        "POST", "/v1/invitations/accept", {"token": "bvi_no", "password": "x" * 9},
        404, "invitation_not_found",
    ),
    Wrong("POST", "/v1/password-resets", {}, 400, "invalid", "login"),
    Wrong(
        "POST", "/v1/password-resets/use", {"token": "bvr_no", "newPassword": "x" * 9},
        404, "link_spent",
    ),
    Wrong("PUT", "/v1/me/mail", {"muted": ["password"]}, 400, "invalid", "muted[0]"),
    Wrong("PUT", "/v1/users/{robot}/email", {"email": "r@x.org"}, 400, "invalid", "id"),
    Wrong("POST", "/v1/me/email/confirm", {"token": "bve_no"}, 404, "link_spent"),
    Wrong("GET", "/v1/admin/mail?state=lost", None, 400, "invalid", "state"),
    Wrong("GET", "/v1/admin/mail?cursor=e30", None, 400, "invalid", "cursor"),
    Wrong("POST", "/v1/admin/mail/{user}/resend", None, 404, "mail_not_found"),
    Wrong("POST", "/v1/tokens", {"name": "t", "expiresIn": 0}, 400, "invalid", "expiresIn"),
    Wrong("POST", "/v1/tokens", {"name": "t", "scope": "account"}, 400, "invalid", "scope"),
    Wrong("POST", "/v1/tokens", {"name": "t", "scope": "all"}, 400, "invalid", "scope"),
    Wrong("PUT", "/v1/me/password", {"currentPassword": "a"}, 400, "invalid", "newPassword"),
    Wrong("PUT", "/v1/files/{node}", {}, 405, "method_not_allowed"),
    Wrong("GET", "/v1/nowhere", None, 404, "not_found"),
]  # fmt: skip


@pytest.fixture(scope="module")
def owned(standing: Daemon) -> Belongings:
    """Have one of everything."""
    with standing.client() as client:
        return make(client)


@pytest.mark.requirement("X18")
@pytest.mark.parametrize("wrong", [*MEMBERS, *UPLOADS, *TREES], ids=str)
def test_a_wrong_request_is_named_and_changes_nothing(
    standing: Daemon, client: httpx.Client, owned: Belongings, wrong: Wrong
) -> None:
    """Status, code, field and a sentence; every table of every room is as it was."""
    with unchanged(standing):
        reply = client.request(wrong.method, owned.fill(wrong.path), json=owned.fill(wrong.body))
    problem = reply.json()
    assert (reply.status_code, problem["code"]) == (wrong.status, wrong.code), problem
    assert problem.get("field") == (
        wrong.field if wrong.status in {400, 422} else problem.get("field")
    )
    assert wrong.status != 400 or problem["detail"].startswith(f"{wrong.field}: ")
    assert (problem["requestId"], problem["status"]) == (
        reply.headers["X-Request-Id"],
        wrong.status,
    )
    assert reply.headers["Content-Type"] == "application/problem+json"


RAW = {
    "empty": (b"", 400),
    "half": (b'{"path": "/raw", ', 400),
    "not a number": (b'{"path": "/raw", "size": NaN}', 400),
    "infinite": (b'{"path": "/raw", "size": 1e999}', 400),
    "not UTF-8": (b'{"path": "/raw\xff"}', 400),
    "lone surrogate": (b'{"path": "/raw\\ud800", "size": 9}', 400),
    "NUL": (b'{"path": "/raw\\u0000", "size": 9}', 400),
    "twice": (json.dumps(FILE)[:-1].encode() + b', "size": 1}', 400),
    "deep": (b'{"path": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", 400),
    "deeper": (b"[" * 200_000, 400),
    "unknown and deep": (b'{"x": ' + b'{"a":' * 10_000 + b"1" + b"}" * 10_001, 400),
    "large": (b" " * (9 << 20), 413),
}


@pytest.mark.requirement("X67")
@pytest.mark.parametrize("name", RAW)
def test_a_body_that_is_no_request_is_refused(
    standing: Daemon, client: httpx.Client, name: str
) -> None:
    """Whatever the bytes are: a problem, no row, and the daemon serves on."""
    raw, status = RAW[name]
    headers = {"Content-Type": "application/json"}
    with unchanged(standing):
        reply = client.post("/v1/files", content=raw, headers=headers)
    assert (reply.status_code, reply.json()["status"]) == (status, status)
    assert client.get("/v1/me").status_code == 200
