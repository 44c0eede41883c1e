"""Probes, metrics, the status tree and the pages."""

import re

import pytest
import trio
from trio.testing import MockClock

from bitvault.http.routes.health import PAGES
from bitvault.kernel.dependencies import Finding
from tests.http.support.rooms import ADMIN_TOKEN, OPERATOR_TOKEN, TOKEN, World

LOCAL = "127.0.0.1"


async def test_alive_needs_nothing(world: World) -> None:
    """The probe answers while the tree is down."""
    world.state = "waiting"
    answer = await world.send("GET", "/livez", token=None)
    assert answer.status_code == 200


@pytest.mark.parametrize(("state", "status"), [("running", 200), ("waiting", 503)])
async def test_ready_when_every_child_runs(world: World, state: str, status: int) -> None:
    """Otherwise the answer names the children that do not."""
    world.state = state
    answer = await world.send("GET", "/readyz", token=None)
    body = await answer.get_json()
    assert (answer.status_code, body["waitingFor"]) == (
        status, [] if status == 200 else ["root/files"],
    )  # fmt: skip


async def test_metrics_are_made_ten_times_a_second_at_most(
    world: World, autojump_clock: MockClock
) -> None:
    """Who asks at once again is shown the same text; a moment later it is another one."""
    texts = []
    for seconds in (0.0, 0.05, 0.06):
        await trio.sleep(seconds)
        texts.append(await (await world.send("GET", "/metrics", peer=LOCAL)).get_data())
    first, same, later = texts
    assert first == same
    shown = 'bitvault_http_requests_total{method="GET",route="/metrics",status="200"} 2.0'
    assert shown in later.decode()


@pytest.mark.parametrize(
    ("error", "age", "is_up"), [("", 1.0, True), ("gone", 1.0, False), ("", 11.0, False)]
)
async def test_what_it_stands_on_is_shown(
    world: World,
    error: str,
    age: float,
    is_up: bool,  # noqa: FBT001 - a case
) -> None:
    """What was found out last counts, unless that is too long ago; being alive needs nothing."""
    world.dependencies.note(Finding("postgresql", error, trio.current_time() - age, 0.25))
    ready = await world.send("GET", "/readyz", token=None)
    body = await ready.get_json()
    assert (ready.status_code, body["waitingFor"]) == (
        (200, []) if is_up else (503, ["postgresql"])
    )
    assert "gone" not in str(body)
    assert (await world.send("GET", "/livez", token=None)).status_code == 200
    status = await (await world.send("GET", "/v1/status", peer=LOCAL)).get_json()
    (found,) = status["dependencies"]
    assert status["ready"] is is_up
    assert (found["name"], found["isUp"], found["error"]) == ("postgresql", is_up, error or None)
    assert found["age"] == pytest.approx(age, abs=0.9)
    text = (await (await world.send("GET", "/metrics", peer=LOCAL)).get_data()).decode()
    assert f'bitvault_dependency_up{{dependency="postgresql"}} {float(is_up)}' in text
    assert 'bitvault_dependency_seconds{dependency="postgresql"} 0.25' in text
    assert 'bitvault_dependency_age_seconds{dependency="postgresql"}' in text


async def test_status_shows_the_tree(world: World) -> None:
    """State, restarts, last error, mailbox depth and the lag of consumers."""
    answer = await world.send("GET", "/v1/status", token=None, peer=LOCAL)
    body = await answer.get_json()
    child = body["tree"]["children"][0]
    assert (child["state"], child["restarts"], child["lastError"]) == (
        "running",
        2,
        "ValueError: x",
    )
    assert child["mailboxDepth"] == 3
    assert body["consumers"] == [
        {"name": "root/files", "lag": 12, "seconds": 1.5, "deadLetters": 2}
    ]


@pytest.mark.parametrize("free", [999, 1000])
async def test_status_and_metrics_show_the_disk(world: World, free: int) -> None:
    """Short of room is what is below the reserve."""
    world.free = free
    body = await (await world.send("GET", "/v1/status", peer=LOCAL)).get_json()
    assert body["disk"] == {"free": free, "reserve": 1000, "isShort": free < 1000}
    text = (await (await world.send("GET", "/metrics", peer=LOCAL)).get_data()).decode()
    assert f"bitvault_disk_free_bytes {free}.0" in text


@pytest.mark.parametrize(
    ("peer", "token", "forwarded", "status"),
    [
        (LOCAL, None, None, 200),
        ("::1", None, None, 200),
        (LOCAL, None, "203.0.113.9", 401),
        ("203.0.113.9", None, None, 401),
        ("203.0.113.9", TOKEN, None, 403),
        ("203.0.113.9", ADMIN_TOKEN, None, 403),
        ("203.0.113.9", OPERATOR_TOKEN, None, 200),
    ],
)
@pytest.mark.requirement("X19", "X63", "X64")
@pytest.mark.parametrize("path", ["/v1/status", "/metrics"])
async def test_the_inside_is_shown_to_this_machine_and_to_operators(
    world: World, path: str, peer: str, token: str | None, forwarded: str | None, status: int
) -> None:
    """A proxy here does not make a stranger local; a tenant's admin is none of the platform's."""
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    answer = await world.send("GET", path, token=token, peer=peer, headers=headers)
    assert answer.status_code == status


async def test_metrics_count_by_template(world: World) -> None:
    """Ids and unknown paths make no new labels."""
    await world.send("GET", "/v1/spaces/personal")
    await world.send("GET", "/v1/whatever/else")
    text = (await (await world.send("GET", "/metrics", peer=LOCAL)).get_data()).decode()
    route = 'route="/v1/spaces/personal"'
    assert f'bitvault_http_requests_total{{method="GET",{route},status="200"}} 1.0' in text
    assert 'route="unmatched"' in text
    assert "whatever" not in text
    assert 'bitvault_consumer_lag_events{consumer="files"} 12.0' in text
    assert 'bitvault_consumer_dead_letters{consumer="files"} 2.0' in text
    assert 'bitvault_child_statistic{name="mailbox.queued",path="root/files"} 3.0' in text


PAGE_PATHS = [path for path in PAGES if not path.endswith(".svg")]


@pytest.mark.parametrize("path", PAGE_PATHS)
async def test_the_pages_need_nothing_from_elsewhere(world: World, path: str) -> None:
    """No CDN, no inline script: the policy allows this server alone."""
    answer = await world.send("GET", path, token=None)
    text = (await answer.get_data()).decode()
    assert answer.status_code == 200
    assert "http://" not in text
    assert "https://" not in text
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    for loaded in re.findall(r'(?:src|href)="(/assets/[^"]+)"', text):
        assert (await world.send("GET", loaded, token=None)).status_code == 200


@pytest.mark.parametrize("name", ["status", "docs", "device"])
async def test_a_page_and_its_script_fit_together(world: World, name: str) -> None:
    """What the page loads is served, what the script looks for is there, and nothing is inline."""
    page = await text_of(world, "/v1/docs" if name == "docs" else f"/{name}")
    script = await text_of(world, f"/assets/{name}.js")
    loaded = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page)
    assert f"/assets/{name}.js" in loaded
    for path in loaded:
        assert (await world.send("GET", path, token=None)).status_code == 200
    wanted = set(re.findall(r'at\("([a-z]+)"\)', script))
    assert wanted <= set(re.findall(r'id="([a-z-]+)"', page))
    assert not re.search(r"<script>|<style|\son\w+=|\sstyle=", page)


async def text_of(world: World, path: str) -> str:
    """Return what is served at a path."""
    return (await (await world.send("GET", path, token=None)).get_data()).decode()
