"""Names with a fixed answer, given in every way, to the real daemon."""

import unicodedata  # noqa: TID251 - a table that is not the one tested
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from attrs import frozen

from tests.flows.belongings import HASH
from tests.support.daemon import Daemon
from tests.support.tables import unchanged

FILE = {"size": 9, "hash": HASH}
REFUSED = {
    ".": "empty, . or ..", "..": "empty, . or ..", "a/b": "/ or", "a\\b": "/ or", "/": "/ or",
    "\x01": "control", "a\nb": "control", "a\x7f": "control", "a\x85": "control",
    "cod\u202egpj.exe": "bidirectional", "\u2066x": "bidirectional", "\u0378": "assigned",
    "\U000e0080": "assigned", "\uffff": "assigned", "x" * 256: "255 bytes", "é" * 128: "255 bytes",
    "\U0001f600" * 64: "255 bytes",
}  # fmt: skip
KEPT = [
    "é", "x" * 255, "é" * 127, "...", ". .", " ", "trailing ", "trailing.", "CON", "aux.txt",
    "LPT1", "a:b", "a*b", "a?b", 'a"b', "a<b>c", "a|b", "-rf", "~", "$HOME", "%2e%2e", "..%2f",
    "'; DROP", "\u200b", "\ufeffbom", "\U0001f600", "e\u0301", "\u1e9e", "\ufb01", "\u0130",
    "\u200f\u05d0",
]  # fmt: skip


@frozen
class Place:
    """Two folders, and one that is there to be renamed."""

    folder: str
    spare: str
    node: str


@pytest.fixture(scope="module")
def place(standing: Daemon) -> Iterator[Place]:
    """Make them."""
    with standing.client() as client:

        def made() -> str:
            reply = client.post("/v1/folders", json={"path": f"/{uuid4()}"}).raise_for_status()
            return str(reply.json()["node"]["id"])

        yield Place(made(), made(), made())


@pytest.mark.requirement("X50")
@pytest.mark.parametrize("name", REFUSED, ids=ascii)
def test_a_name_with_a_fixed_no(
    standing: Daemon, client: httpx.Client, place: Place, name: str
) -> None:
    """The rule is in the answer, whichever way the name is given, and nothing is made."""
    body = {"parentId": place.folder, "name": name}
    with unchanged(standing):
        replies = [
            client.post("/v1/folders", json=body),
            client.post(
                "/v1/files", json={**FILE, "path": None, "parentId": place.folder, "name": name}
            ),
            client.patch(f"/v1/files/{place.node}", json={"name": name}),
            client.post("/v1/spaces", json={"name": name}),
        ]
    for reply in replies:
        problem = reply.json()
        assert (reply.status_code, problem["field"]) == (400, "name"), problem
        assert REFUSED[name] in problem["rule"]


@pytest.mark.requirement("X50")
@pytest.mark.parametrize("name", KEPT, ids=ascii)
def test_a_name_with_a_fixed_yes(client: httpx.Client, place: Place, name: str) -> None:
    """It is kept in NFC, found by its path, and listed; its twin in case or form is taken."""
    body = {"parentId": place.spare, "name": name}
    made = client.post("/v1/folders", json=body).raise_for_status().json()["node"]
    assert made["name"] == unicodedata.normalize("NFC", name)
    assert client.get("/v1/files", params={"path": made["path"]}).json()["id"] == made["id"]
    listed = client.get(f"/v1/folders/{place.spare}/children").json()["items"]
    assert [one["name"] for one in listed] == [made["name"]]
    for twin in {name.upper(), name.lower(), unicodedata.normalize("NFD", name)}:
        if unicodedata.normalize("NFC", twin).casefold() == made["name"].casefold():
            again = client.post("/v1/folders", json={**body, "name": twin})
            assert again.json()["code"] in {"name_taken", "invalid"}
    client.delete(f"/v1/files/{made['id']}").raise_for_status()
