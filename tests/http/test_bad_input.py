"""What breaks a rule is a 4xx problem that names field and rule, and reaches no room."""

import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from bitvault.kernel import moments
from bitvault.kernel.paging import encode_cursor
from tests.http.support.rooms import HASH, ID, World

GOOD = {"path": "/a", "size": 3, "hash": HASH}

BODIES = [
    ({**GOOD, "size": -1}, "size"),
    ({**GOOD, "size": 2**63}, "size"),
    ({**GOOD, "size": 2**200}, "size"),
    ({**GOOD, "size": 1.5}, "size"),
    ({**GOOD, "size": "3"}, "size"),
    ({**GOOD, "size": None}, "size"),
    ({**GOOD, "hash": "md5:abc"}, "hash"),
    ({**GOOD, "hash": HASH.upper()}, "hash"),
    ({**GOOD, "hash": HASH + "\n"}, "hash"),
    ({**GOOD, "hash": "sha256-0:" + "a" * 64}, "hash"),
    ({**GOOD, "colour": "red"}, "colour"),
    ({**GOOD, "path": "/a\0b"}, "path"),
    ({**GOOD, "path": ""}, "path"),
    ({**GOOD, "path": "x" * 20_000}, "path"),
    ({**GOOD, "path": 3}, "path"),
    ({**GOOD, "parentId": str(ID)}, "path"),
    ({"size": 3, "hash": HASH}, "path"),
    ({"path": "/a", "hash": HASH}, "size"),
    ({**GOOD, "ifExists": "maybe"}, "ifExists"),
    ({**GOOD, "spaceId": "nobody"}, "spaceId"),
    ({**GOOD, "baseVersion": -1}, "baseVersion"),
    ({**GOOD, "contentType": "text\r\nX-Evil: 1"}, "contentType"),
    ({**GOOD, "contentModifiedAt": "yesterday"}, "contentModifiedAt"),
    ({**GOOD, "contentModifiedAt": "2026-01-01T00:00:00"}, "contentModifiedAt"),
    ([], "body"),
]
NO_MOMENTS = [
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "0001-01-01T23:59:59.999999Z",
    "0000-12-31T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "9999-12-31T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59.9999999-12:00",
    "9999-12-31T23:59:59-14:00",
    "9999-12-30T23:59:59.9999999Z",
    "2016-12-31T23:59:60Z",
    "2026-01-31T24:00:00Z",
    "2026-02-29T00:00:00Z",
    "2026-01-31T12:00:00",
    "2026-01-31",
    "253402300800",
    "1e3",
    "infinity",
    "",
]
"""What is no time, or one that not every part can hold."""


@pytest.mark.requirement("X18")
@pytest.mark.parametrize(("body", "field"), BODIES)
async def test_a_wrong_member_is_named(world: World, body: object, field: str) -> None:
    """The problem says which member of the body breaks which rule."""
    answer = await world.send("POST", "/v1/files", json=body)
    problem = await answer.get_json(force=True)
    assert (answer.status_code, problem["code"], problem["field"]) == (400, "invalid", field)
    assert problem["detail"].startswith(f"{field}: ")
    assert world.room.asked == []


@pytest.mark.parametrize("moment", NO_MOMENTS)
async def test_a_time_that_cannot_be_kept_is_refused(world: World, moment: str) -> None:
    """In a body, in an item of a batch, and in a query string: by the name of its field."""
    file = {**GOOD, "contentModifiedAt": moment}
    single = await world.send("POST", "/v1/files", json=file)
    batch = await world.send("POST", "/v1/files/batch", json={"items": [GOOD, file]})
    link = await world.send("POST", f"/v1/files/{ID}/links", json={"expiresAt": moment})
    change = await world.send("PATCH", f"/v1/links/{ID}", json={"expiresAt": moment})
    query = await world.send("GET", "/v1/audit?" + urlencode({"since": moment}))
    problems = [await one.get_json(force=True) for one in (single, batch, link, change, query)]
    assert [(one["status"], one["code"], one["field"]) for one in problems] == [
        (400, "invalid", "contentModifiedAt"),
        (400, "invalid", "items[1].contentModifiedAt"),
        (400, "invalid", "expiresAt"),
        (400, "invalid", "expiresAt"),
        (400, "invalid", "since"),
    ]
    assert world.room.asked == []


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("0001-01-02T00:00:00Z", moments.FIRST),
        ("0001-01-02T14:00:00+14:00", moments.FIRST),
        ("9999-12-30T23:59:59.999999Z", moments.LAST),
        ("9999-12-31T13:59:59.999999+14:00", moments.LAST),
        ("1601-01-01t00:00:00z", datetime(1601, 1, 1, tzinfo=UTC)),
        ("2026-01-31T12:00:00.1234567-00:00", datetime(2026, 1, 31, 12, 0, 0, 123457, tzinfo=UTC)),
    ],
)
async def test_a_time_is_read_in_any_zone_and_to_the_microsecond(
    world: World, written: str, kept: datetime
) -> None:
    """The first and the last that can be kept, small letters, and digits beyond the sixth."""
    await world.send("POST", "/v1/files", json={**GOOD, "contentModifiedAt": written})
    assert world.room.asked[-1].drafts[0].content_modified_at == kept


RAW = [
    (b"", "malformed"),
    (b"{", "malformed"),
    (b'{"path": "\\ud800"}', "malformed"),
    (b'{"path": "\xff"}', "malformed"),
    (b'{"size": NaN}', "malformed"),
    (b'\xef\xbb\xbf{"size": 1}', "malformed"),
    (b'{"size": 1e999}', "invalid"),
    (b'{"path": ' + b"[" * 10_000, "invalid"),
    (b"[" * 100_000, "invalid"),
    (json.dumps(GOOD)[:-1].encode() + b', "size": 4}', "invalid"),
    (b'{"size": 1e3}', "invalid"),
    (b'{"size": 1.0}', "invalid"),
    (b'{"size": ' + b"9" * 5000 + b"}", "invalid"),
    (b'{"size": 01}', "malformed"),
    (b'{"size": Infinity}', "malformed"),
    (b'{"pa\\u0000th": 1}', "invalid"),
]


@pytest.mark.parametrize(("raw", "code"), RAW, ids=lambda value: repr(value)[:24])
async def test_what_is_not_json_is_malformed(world: World, raw: bytes, code: str) -> None:
    """Depth bombs, broken Unicode, NaN, duplicate members: a problem and no effect."""
    headers = {"Content-Type": "application/json"}
    answer = await world.send("POST", "/v1/files", data=raw, headers=headers)
    problem = await answer.get_json(force=True)
    assert (answer.status_code, problem["code"]) == (400, code)
    assert world.room.asked == []


@pytest.mark.requirement("X59")
@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/files/not-an-id", "id"),
        (f"/v1/files/{ID}%00", "id"),
        ("/v1/files?path=/a%00", "path"),
        ("/v1/files", "path"),
        ("/v1/files?path=/a&path=/b", "path"),
        ("/v1/files?path=/a&colour=red", "colour"),
        ("/v1/files?path=/a&spaceId=me", "spaceId"),
        (f"/v1/folders/{ID}/children?limit=0", "limit"),
        (f"/v1/folders/{ID}/children?limit=1000000000", "limit"),
        (f"/v1/folders/{ID}/children?limit=ten", "limit"),
        (f"/v1/folders/{ID}/children?limit=1e1", "limit"),
        (f"/v1/folders/{ID}/children?limit=1.0", "limit"),
        (f"/v1/folders/{ID}/children?limit=" + "9" * 5000, "limit"),
        (f"/v1/files/{ID}/content?version=9223372036854775808", "version"),
        (f"/v1/files/{ID}/content?version=null", "version"),
        ("/v1/files?path=/a&spaceId=null", "spaceId"),
        ("/v1/admin/mail?state=null", "state"),
        (f"/v1/files/{ID}/content?version=0", "version"),
        (f"/v1/files/{ID}/content?redirect=perhaps", "redirect"),
    ],
)
async def test_a_wrong_parameter_is_named(world: World, path: str, field: str) -> None:
    """Path and query parameters have rules too."""
    answer = await world.send("GET", path)
    problem = await answer.get_json(force=True)
    assert (answer.status_code, problem["field"]) == (400, field)
    assert world.room.asked == []


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/files/batch", {"items": [GOOD] * 1001}, "items"),
        ("/v1/files/batch", {"items": []}, "items"),
        ("/v1/files/batch", {"items": [GOOD, {**GOOD, "size": -1}]}, "items[1].size"),
        ("/v1/batch", {"operations": [{"op": "explode"}]}, "operations[0].op"),
        ("/v1/batch", {"operations": [{"op": "trash"}]}, "operations[0].path"),
        (f"/v1/files/uploads/{ID}/parts", {"partNumbers": [0]}, "partNumbers[0]"),
        (f"/v1/files/uploads/{ID}/parts", {"partNumbers": [10_001]}, "partNumbers[0]"),
        (f"/v1/files/uploads/{ID}/parts", {}, "partNumbers"),
        (f"/v1/files/{ID}/copy", {}, "parentPath"),
    ],
)
async def test_a_wrong_item_is_named_by_its_place(
    world: World, path: str, body: object, field: str
) -> None:
    """In a batch the field says which item is meant."""
    answer = await world.send("POST", path, json=body)
    problem = await answer.get_json(force=True)
    assert (answer.status_code, problem["field"]) == (400, field)
    assert world.room.asked == []


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nowhere", 404, "not_found"),
        ("DELETE", "/v1/me", 405, "method_not_allowed"),
        ("GET", "/v1/batch", 405, "method_not_allowed"),
    ],
)
async def test_what_the_framework_refuses_is_a_problem_too(
    world: World, method: str, path: str, status: int, code: str
) -> None:
    """Unknown routes and methods answer like everything else."""
    answer = await world.send(method, path)
    problem = await answer.get_json(force=True)
    assert (answer.status_code, problem["code"]) == (status, code)
    assert answer.mimetype == "application/problem+json"
    assert bool(answer.headers.get("Allow")) == (status == 405)


@pytest.mark.requirement("X67")
async def test_a_body_over_the_limit_is_413(world: World) -> None:
    """Nothing is decoded from a body that is too large."""
    headers = {"Content-Type": "application/json"}
    answer = await world.send("POST", "/v1/files", data=b" " * (1 << 21), headers=headers)
    problem = await answer.get_json(force=True)
    assert (answer.status_code, problem["code"]) == (413, "body_too_large")


async def test_a_body_of_another_type_is_415(world: World) -> None:
    """JSON is not guessed."""
    answer = await world.send(
        "POST", "/v1/files", data=b"{}", headers={"Content-Type": "text/plain"}
    )
    assert answer.status_code == 415


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "é"])
async def test_a_wrong_idempotency_key_is_refused(world: World, key: str) -> None:
    """1 to 255 visible ASCII characters."""
    answer = await world.send("POST", "/v1/files", json=GOOD, headers={"Idempotency-Key": key})
    problem = await answer.get_json(force=True)
    assert (answer.status_code, problem["field"]) == (400, "Idempotency-Key")


@pytest.mark.parametrize("tag", ["7", '"7', '"7" "8"', ",", ""])
async def test_a_wrong_if_match_is_refused(world: World, tag: str) -> None:
    """An entity tag is quoted."""
    answer = await world.send("DELETE", f"/v1/files/{ID}", headers={"If-Match": tag})
    problem = await answer.get_json(force=True)
    assert (answer.status_code, problem["field"]) == (400, "If-Match")
    assert world.room.asked == []


RULES = [
    ({**GOOD, "size": -1}, "must be at least 0"),
    ({**GOOD, "size": "3"}, "must be a whole number, not text"),
    ({**GOOD, "path": ""}, "must not be empty"),
    ({**GOOD, "ifExists": "maybe"}, "must be one of fail, rename, replace"),
    ({**GOOD, "hash": "md5:abc"}, "is not in the required form (sha256:<hex> of the bytes"),
    ({**GOOD, "spaceId": "nobody"}, "must be an id (a UUID)"),
    ({**GOOD, "contentModifiedAt": "yesterday"}, "must be a time such as 2026-01-31T12:00:00Z"),
    ({**GOOD, "size": 2**200}, "must be at most 5497558138880"),
    ([], "must be an object, not a list"),
]


@pytest.mark.parametrize(("body", "rule"), RULES, ids=[rule[:30] for _, rule in RULES])
async def test_a_rule_says_what_the_value_must_be(world: World, body: object, rule: str) -> None:
    """A person can mend the request without reading a parser's mind, or a regular expression."""
    answer = await world.send("POST", "/v1/files", json=body)
    assert (await answer.get_json(force=True))["rule"].startswith(rule)


_KEYS = (["node", "abc"], ["version", str(ID)], ["version", str(ID), 1 << 63], ["user", 5], ["cat"])


@pytest.mark.parametrize("key", _KEYS, ids=repr)
async def test_a_made_up_cursor_of_an_export_is_refused(world: World, key: list[str | int]) -> None:
    """It names no key of what is exported; nothing is noted, and no room is asked."""
    body = {"cursor": encode_cursor(["export", *key])}
    answer = await world.send("POST", f"/v1/admin/tenants/{ID}/export", json=body)
    assert (answer.status_code, (await answer.get_json(force=True))["field"]) == (400, "cursor")
    assert world.room.asked == []


async def test_an_unknown_operation_names_the_known_ones(world: World) -> None:
    """The tag of a union is a word of a list too."""
    answer = await world.send("POST", "/v1/batch", json={"operations": [{"op": "explode"}]})
    rule = (await answer.get_json(force=True))["rule"]
    assert rule == "must be one of copy, mkdir, move, purge, restore, restoreVersion, trash"


async def test_a_wrong_method_says_which_are_right(world: World) -> None:
    """In the header for programs, and in the detail for people."""
    answer = await world.send("PUT", "/v1/files")
    problem = await answer.get_json(force=True)
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    assert problem["detail"] == "PUT is not allowed here; these are: GET, HEAD, OPTIONS, POST."


async def test_the_bare_address_leads_to_the_status_page(world: World) -> None:
    """Who opens the server in a browser sees something."""
    answer = await world.send("GET", "/", token=None)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/status")


async def test_what_a_provider_sends_is_a_form(world: World) -> None:
    """As OpenID has it: what is not known in it is passed over, and the answer is not kept."""
    path, sent = f"/v1/sso/{ID}/logout", b"logout_token=a.b.c&more=1"
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    answer = await world.send("POST", path, token=None, data=sent, headers=headers)
    assert (answer.status_code, await answer.get_data()) == (200, b"")
    assert answer.headers["Cache-Control"] == "no-store"
    assert world.room.asked[-1].token == "a.b.c"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "invalid"),
        (b"logout_token=", "invalid"),
        (b"token=a", "invalid"),
        (b"logout_token=a&logout_token=b", "invalid"),
        (b"logout_token=a%00b", "invalid"),
        (b"logout_token=%ff", "malformed"),
        (b"logout_token=\xff", "malformed"),
        (b"a&" * 200, "malformed"),
    ],
)
async def test_a_form_that_is_wrong_is_refused(world: World, raw: bytes, code: str) -> None:
    """Before a room hears of it."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    path = f"/v1/sso/{ID}/logout"
    answer = await world.send("POST", path, token=None, data=raw, headers=headers)
    problem = await answer.get_json(force=True)
    assert (answer.status_code, problem["code"], world.room.asked) == (400, code, [])
    assert answer.headers["Cache-Control"] == "no-store"
