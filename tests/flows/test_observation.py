"""What an operator sees, and what nobody may see."""

import json
import uuid

import httpx
import pytest

from bitvault.services import SERVICES
from tests.support.daemon import Daemon, eventually, processes_in
from tests.support.uploads import upload


def test_the_status_names_every_part_of_the_tree(client: httpx.Client) -> None:
    """Engines, drivers, rooms, relays, workers and edges are there, and run."""
    status = client.get("/v1/status").json()
    branches = {branch["id"]: branch for branch in status["tree"]["children"]}
    assert list(branches) == ["engines", "drivers", "rooms", "relays", "workers", "edges"]
    leaves = [leaf for branch in branches.values() for leaf in branch["children"]]
    assert {leaf["state"] for leaf in leaves} == {"running"}
    assert status["ready"]


def test_the_status_and_the_metrics_tell_how_far_each_consumer_is_behind(
    client: httpx.Client,
) -> None:
    """Each is listed with its lag, and reaches 0 once nothing happens any more."""

    def lags() -> dict[str, int]:
        return {one["name"]: one["lag"] for one in client.get("/v1/status").json()["consumers"]}

    upload(client, f"/lag/{uuid.uuid4()}", b"one event more")
    paths = [f"root/workers/{name}" for each in SERVICES for name in each.consumers]
    eventually(lambda: lags() == dict.fromkeys(paths, 0), 20)
    assert 'name="lag"' in client.get("/metrics").text


def test_the_status_says_what_was_collected(client: httpx.Client) -> None:
    """The finalizer counts its turns, what they did, and how old the oldest garbage is."""
    branches = client.get("/v1/status").json()["tree"]["children"]
    [workers] = [branch for branch in branches if branch["id"] == "workers"]
    [finalizer] = [leaf for leaf in workers["children"] if leaf["id"] == "finalizer"]

    counted = finalizer["statistics"]

    assert counted["turns"] >= 1
    assert counted["postponed"] == 0
    assert {"last", "totals", "oldest_seconds"} <= counted.keys()


def test_every_job_is_there_and_takes_a_turn_when_asked(
    client: httpx.Client, stranger: httpx.Client
) -> None:
    """Each that there may be runs in a daemon that sends mail; none is another tenant's to see."""
    jobs = client.get("/v1/admin/jobs").raise_for_status().json()["items"]
    names = [job.name for each in SERVICES for job in each.jobs]
    assert [job["name"] for job in jobs] == names
    assert [job["name"] for job in jobs if job["state"] == "failing"] == []
    uncounted = {job["name"] for job in jobs if job["backlog"] is None}
    assert uncounted == {"doorbell", "downloads", "forget-shares", "prune-events"}
    for name in names:
        asked = client.post(f"/v1/admin/jobs/{name}/run")
        assert asked.status_code == 202, asked.text

        def took(name: str = name, turn: int = asked.json()["turn"]) -> bool:
            return bool(client.get(f"/v1/admin/jobs/{name}").json()["turns"] >= turn)

        eventually(took, 10)
        assert client.get(f"/v1/admin/jobs/{name}").json()["asked"]["error"] is None
        assert stranger.get(f"/v1/admin/jobs/{name}").status_code == 403
    assert stranger.get("/v1/admin/jobs").status_code == 403
    assert stranger.post("/v1/admin/jobs/collect/run").json()["code"] == "forbidden"


@pytest.mark.parametrize(
    ("path", "kind", "word"),
    [
        ("/status", "text/html", "BitVault status"),
        ("/readyz", "application/json", "ready"),
        ("/livez", "application/json", "alive"),
        ("/metrics", "text/plain", "bitvault_http_requests_total"),
    ],
)
def test_probes_and_pages_answer_without_a_login(
    standing: Daemon, path: str, kind: str, word: str
) -> None:
    """Whoever watches the daemon needs no account."""
    reply = httpx.get(standing.url + path)
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith(kind)
    assert word in reply.text


@pytest.mark.requirement("X62")
def test_every_log_line_is_a_record_with_request_and_tenant(
    standing: Daemon, client: httpx.Client
) -> None:
    """A reply's request id finds its line."""
    reply = client.get("/v1/me")
    wanted = reply.headers["X-Request-Id"]
    eventually(lambda: wanted in standing.log, 10)
    records = [json.loads(line) for line in standing.log.splitlines()]
    [record] = [each for each in records if each.get("requestId") == wanted]
    assert (record["route"], record["status"]) == ("/v1/me", 200)
    assert uuid.UUID(record["tenant"])


@pytest.mark.requirement("X37", "X63")
def test_no_secret_is_logged_or_shown(standing: Daemon, client: httpx.Client) -> None:
    """Tokens, passwords, keys and signatures are in no log, metric, status or command line."""
    node = upload(client, f"/canary/{uuid.uuid4()}", b"canary")["id"]
    found = client.get(f"/v1/files/{node}/content").json()["url"]
    made = client.post("/v1/tokens", json={"name": "canary"}).json()["token"]
    # Nobody's login: of somebody's, the trail would tell a minute later, while others look at it.
    wrong = {"login": "canary-login", "password": "canary-wrong-password"}
    assert httpx.post(f"{standing.url}/v1/sessions", json=wrong).status_code == 401
    terms = {"password": "canary-link-password"}
    link = client.post(f"/v1/files/{node}/links", json=terms).raise_for_status().json()["token"]
    for password in ("canary-link-password", "canary-wrong-guess"):
        httpx.get(f"{standing.url}/v1/link", auth=(link, password))
    keys = json.loads((standing.data / "object-store-keys.json").read_text())
    shown = standing.log + client.get("/metrics").text + client.get("/v1/status").text
    commands = processes_in(standing.folder)
    assert len(commands) > 2  # the daemon, the database and the object store
    shown += "\n".join(commands)
    secrets = [
        made,
        client.headers["Authorization"].split()[1],
        (standing.data / "admin-password").read_text().strip(),
        "canary-wrong-password",
        "canary-link-password",
        "canary-wrong-guess",
        link,
        found.rsplit("X-Amz-Signature=", 1)[1],
        *(key["secretAccessKey"] for key in keys.values()),
    ]
    assert [secret for secret in secrets if secret in shown] == []


@pytest.mark.requirement("X62")
def test_nothing_a_client_says_writes_a_line_of_the_log(
    standing: Daemon, client: httpx.Client
) -> None:
    """Line ends, colours and quotes in logins, names, paths and headers: each line is a record."""
    evil = 'a"}\r\n{"event": "forged"}\x1b[31m\u2028'
    body = {"tenant": evil, "login": evil, "password": evil}
    assert httpx.post(f"{standing.url}/v1/sessions", json=body).status_code == 401
    client.post("/v1/folders", json={"path": f"/{evil}"})
    client.post("/v1/groups", json={"name": evil})
    client.get("/v1/files", params={"path": f"/{evil}", evil: evil})
    client.get("/v1/%0d%0a%7b%7d%1b%5b31m")
    headers = {"User-Agent": "\x1b[31m", "X-Request-Id": '{"event": "forged"}'}
    last = client.get("/v1/me", headers=headers).headers["X-Request-Id"]
    eventually(lambda: last in standing.log, 10)
    assert "\x1b" not in standing.log
    assert not {"forged"} & {json.loads(line)["event"] for line in standing.log.splitlines()}
