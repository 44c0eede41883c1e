"""Who must not is answered as if there were nothing, on every route and for every id (X17).

Each example of `tests.flows.walls` is sent by everybody of `tests.flows.people`, and no row may
change.
"""

import sys
from collections.abc import Iterator
from uuid import uuid4

import attrs
import httpx
import pytest

from bitvault.http.routes import ENDPOINTS
from bitvault.kernel.principal import Scope
from tests.flows.belongings import Belongings
from tests.flows.matrix import (
    code_of,
    endpoint_of,
    ids_taken,
    ids_tried,
    names_in,
    send,
    status_of,
    told,
)
from tests.flows.people import Town, settled
from tests.flows.walls import (
    MADE_UP,
    PUBLIC,
    ROUTES,
    UNNAMED,
    closed,
    hidden,
    lines,
    open_policies,
    refused,
)
from tests.support.daemon import Daemon, running_daemon
from tests.support.tables import changes, unchanged

OPEN_TO_MEMBERS = {"get_user", "get_group", "list_group_members"}
"""Who is in the tenant sees who else is; of another tenant nobody does."""
PRIVATE = {
    "node", "folder", "spare", "entry", "opened", "sent", "parts", "committed", "link",
    "session", "token",
}  # fmt: skip
"""What does not exist even for the tenant's admins, unless it is shared with them."""
SHARED = {"node", "folder", "spare", "entry", "space"}
"""What the viewer sees."""
FOR_VIEWERS: dict[str, set[int]] = {
    "list_grants": {403},  # who may see who else has access could as well ask them for it
    "get_grant": {403},
    "explain_access": {403},
    "list_node_links": {403},
    "list_audit": {403},  # the admins'
    "create_token": {400},  # of their own, for what they see; but of a scope that cannot be
    "get_contents": {200, 409},  # a POST that reads; the path of the example is a folder's
}
"""What a viewer gets where it is not 200 for a GET and 403 for everything else."""
DOOR = {"/v1/files", "/v1/files/batch"}
"""Where those may come in who may add; guests have to say who they are."""
MEDIA = {each.media for each in ENDPOINTS}
"""In each of which the one answer is written in one way."""
UPLOADS = ("opened", "sent", "parts", "committed")


@pytest.fixture(scope="module")
def town(standing: Daemon) -> Iterator[Town]:
    """Settle everybody."""
    with settled(standing) as town:
        yield town


def test_every_id_of_every_route_is_tried() -> None:
    """A new route, or a new id in a path, query or body, does not slip past the list."""
    tried = {one for example in ROUTES for one in ids_tried(example)}
    taken = {one for one in ids_taken() if one[1] not in MADE_UP}
    assert taken - PUBLIC == tried - UNNAMED


def test_what_is_hidden_is_there(town: Town) -> None:
    """Otherwise the walls would stand around nothing: the owner gets each of them."""
    uploads = [("GET", f"/v1/files/uploads/{{{name}}}", None) for name in UPLOADS]
    gets = [one for one in ROUTES if one[0] == "GET" and "/tenants/" not in one[1]]
    found = {str(one): send(town.owner, one, town.owned).status_code for one in gets + uploads}
    assert set(found.values()) == {200}, found


@pytest.mark.requirement("X17", "X22")
def test_what_is_another_tenants_does_not_exist(town: Town) -> None:
    """For an admin of one tenant, an id of another is as an invented one, byte for byte."""
    invented = Belongings.invented()
    with unchanged(town.daemon):
        wrong = lines(hidden(town.stranger, one, town.owned, invented) for one in ROUTES)
    assert not wrong, wrong


@pytest.mark.requirement("X17", "X22")
def test_no_id_reaches_another_tenant_beside_ids_of_the_own(town: Town) -> None:
    """Where a route takes several ids, each alone is another tenant's, and the rest is the own."""
    with unchanged(town.daemon):
        wrong = lines(beside_own(town))
    assert not wrong, wrong


def beside_own(town: Town) -> Iterator[str]:
    """Yield what is wrong where one id of a route is another tenant's."""
    invented = Belongings.invented()

    def mixed(ids: Belongings, name: str) -> Belongings:
        return attrs.evolve(town.foreign, **{name: getattr(ids, name)})

    for one in ROUTES:
        for name in names_in(one):
            if len(names_in(one)) > 1:
                yield hidden(town.stranger, one, mixed(town.owned, name), mixed(invented, name))


@pytest.mark.requirement("X17", "X20")
def test_the_first_wall_stands_alone(town: Town) -> None:
    """With policies that hide nothing, all statements name their tenant: no other is reached."""
    invented = Belongings.invented()
    with unchanged(town.daemon), open_policies(town.daemon):
        wrong = lines(hidden(town.stranger, one, town.owned, invented) for one in ROUTES)
        wrong += lines(beside_own(town))
    assert not wrong, wrong


@pytest.mark.requirement("X17", "X20")
def test_no_list_shows_another_tenants_rows(town: Town) -> None:
    """Whatever an admin reads, with policies that hide nothing, names nothing of another tenant."""
    theirs = [one for ids in (town.owned, town.kept) for one in attrs.astuple(ids)]
    reads = [example for endpoint, example in closed() if endpoint.method == "GET"]
    with open_policies(town.daemon):
        replies = {str(one): send(town.stranger, one, town.foreign).text for one in reads}
    assert {one for one, text in replies.items() if any(each in text for each in theirs)} == set()
    assert sum(town.foreign.user in text for text in replies.values()) > 5


def looks(town: Town, name: str) -> str:
    """Return what somebody of the owner's tenant learns of what is not theirs."""
    own = town.owned
    is_guest = name.startswith("guest")
    # Who else is in the tenant is no secret there; whatever else is named beside them is.
    people = {} if is_guest else {"user": own.user, "robot": own.robot, "group": own.group}
    other = attrs.evolve(Belongings.invented(), **people)
    seen = set() if is_guest else OPEN_TO_MEMBERS
    return lines(
        hidden(town.people[name], one, own, other)
        for one in ROUTES
        if endpoint_of(one).operation_id not in seen
    )


@pytest.mark.requirement("X17")
@pytest.mark.parametrize("name", ["member", "revoked", "guest elsewhere"])
def test_what_is_not_shared_does_not_exist(town: Town, name: str) -> None:
    """For who was given nothing, who was given it and lost it, and who has another link."""
    with unchanged(town.daemon):
        wrong = looks(town, name)
    assert not wrong, wrong


@pytest.mark.requirement("X17", "X27")
@pytest.mark.parametrize("name", ["uploader", "guest who uploads"])
def test_who_may_add_sees_nothing_there(town: Town, name: str) -> None:
    """All that is below what they add to does not exist for them; uploads are the only door."""
    own, other, who = town.owned, Belongings.invented(), town.people[name]
    is_guest = name.startswith("guest")
    if not is_guest:
        other = attrs.evolve(other, user=own.user, robot=own.robot, group=own.group)
    with unchanged(town.daemon):
        wrong = lines(
            hidden(who, one, own, other)
            for one in ROUTES
            if endpoint_of(one).operation_id not in OPEN_TO_MEMBERS
            and not (one[1] in DOOR and (is_guest or "folder" in names_in(one)))
        )
    assert not wrong, wrong


@pytest.mark.requirement("X12", "X17")
def test_a_confined_token_of_the_owner_knows_nothing_else(town: Town) -> None:
    """For a token that ends at another folder, all that its own user has does not exist."""
    folder = town.owner.post("/v1/folders", json={"path": f"/{uuid4()}"}).raise_for_status().json()
    body = {"name": "confined", "confinedTo": folder["node"]["id"]}
    made = town.owner.post("/v1/tokens", json=body).raise_for_status().json()
    headers = {"Authorization": f"Bearer {made['token']}"}
    with httpx.Client(base_url=town.daemon.url, headers=headers, timeout=30) as token:
        assert token.get(f"/v1/files/{body['confinedTo']}").status_code == 200
        with unchanged(town.daemon):
            wrong = lines(hidden(token, one, town.owned, Belongings.invented()) for one in ROUTES)
    assert not wrong, wrong


@pytest.mark.requirement("X17")
def test_being_an_admin_opens_nobodys_files(town: Town) -> None:
    """Files, uploads, links, sessions and tokens of others do not exist for the tenant's admin."""
    people = {"user": town.owned.user, "group": town.owned.group}
    invented = attrs.evolve(Belongings.invented(), **people)
    trail = {"list_audit", "replay_dead_letters"}  # is the admins', whatever it tells of
    with unchanged(town.daemon):
        wrong = lines(
            hidden(town.people["admin"], one, town.owned, invented)
            for one in ROUTES
            if names_in(one)[0] in PRIVATE and endpoint_of(one).operation_id not in trail
        )
    assert not wrong, wrong


@pytest.mark.requirement("X17")
def test_who_may_read_changes_nothing(town: Town) -> None:
    """A viewer gets what is read, and 403 for what would change it or share it further.

    That they were handed content is all that is written down.
    """
    viewer, own = town.people["viewer"], town.owned
    send(viewer, ("GET", "/v1/files?path=/", None), own)  # makes their own space
    wrong = []
    with changes(town.daemon) as changed:
        for example in ROUTES:
            method, _, body = example
            is_home = "parentPath" in str(body)  # a copy in their own space is theirs to make
            if is_home or names_in(example)[0] not in SHARED:
                continue
            usual = {200 if method == "GET" else 403}
            wanted = FOR_VIEWERS.get(endpoint_of(example).operation_id, usual)
            if (status := status_of(send(viewer, example, own))) not in wanted:
                wrong.append(f"{example} {status}")
    assert not wrong, lines(wrong)
    assert changed == ["audit.download"]


@pytest.mark.requirement("X17", "X8")
def test_a_credential_that_is_none_has_one_answer(town: Town) -> None:
    """Nobody, the disabled, the deleted; an expired or revoked token: all alike, on all routes."""
    with unchanged(town.daemon):
        replies = [send(one, ex, town.owned) for one in town.nobody.values() for _, ex in closed()]
    assert {(one.status_code, code_of(one)) for one in replies} == {(401, "unauthenticated")}
    assert len({told(one) for one in replies}) == len(MEDIA)


@pytest.mark.requirement("X17", "X32")
def test_a_link_that_is_none_has_one_answer(town: Town) -> None:
    """Expired, revoked, deleted, and never made: all alike, on all routes."""
    links = town.dead_links.values()
    with unchanged(town.daemon):
        replies = [send(one, ex, town.owned) for one in links for _, ex in closed()]
    assert {(one.status_code, code_of(one)) for one in replies} == {(404, "link_not_found")}
    assert len({told(one) for one in replies}) == len(MEDIA)


@pytest.mark.requirement("X12", "X17")
def test_a_token_serves_no_route_above_its_scope(town: Town) -> None:
    """Whatever its user may do, and whatever the ids are."""
    with unchanged(town.daemon):
        wrong = lines(
            refused(town.narrow[scope], example, town.owned, "insufficient_scope")
            for scope in town.narrow
            for endpoint, example in closed()
            if scope < (endpoint.scope or Scope.ACCOUNT)
        )
    assert not wrong, wrong


@pytest.mark.requirement("X17")
def test_a_suspended_tenant_changes_nothing(town: Town) -> None:
    """Its own admin is refused every change of what it has, on all routes."""
    with unchanged(town.daemon):
        wrong = lines(
            refused(town.suspended, example, town.kept, "tenant_suspended")
            for endpoint, example in closed()
            if not endpoint.admission.when_suspended
        )
    assert not wrong, wrong


HOLES = """
import attrs
from bitvault.kernel import access
from bitvault.edge.admission import Admission
access.rights_along = lambda start, granted: [access.RIGHTS["manager"] for _ in granted]
Admission.serves = lambda self, scope: True
Admission.when_suspended = property(lambda self: True)
from bitvault.daemon import main
main()
"""


@pytest.mark.requirement("X17")
def test_holes_are_found() -> None:
    """A daemon without checks of grants, scopes and suspension fails at every route concerned."""
    program = (sys.executable, "-c", HOLES, "serve")
    with running_daemon(program=program) as daemon, settled(daemon) as town:
        invented = Belongings.invented()
        for example in ROUTES:
            # What follows a change would find nothing more.
            if example[0] == "GET" and names_in(example)[0] in {"node", "folder"}:
                is_trail = "/audit" in example[1]
                assert is_trail or hidden(town.people["member"], example, town.owned, invented)
        for endpoint, example in closed():
            if (endpoint.scope or Scope.ACCOUNT) > Scope.READ:
                reader = town.narrow[Scope.READ]
                assert refused(reader, example, town.owned, "insufficient_scope")
            if endpoint.scope in {Scope.WRITE, Scope.ADMIN} and endpoint.method != "GET":
                assert refused(town.suspended, example, town.kept, "tenant_suspended")
