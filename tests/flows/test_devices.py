"""A machine without a browser is let in through the front door, and the trail knows by whom."""

from typing import Any

import httpx
import pytest

from tests.flows.test_identity_trail import trail
from tests.support.daemon import Daemon
from tests.support.tables import unchanged

BEGIN = "/v1/device-authorizations"


def begin(daemon: Daemon) -> Any:
    """Ask for codes."""
    body = {"clientName": "probe"}
    headers = {"User-Agent": "headless/1"}
    asked = httpx.post(f"{daemon.url}{BEGIN}", json=body, headers=headers, timeout=30)
    return asked.raise_for_status().json()


def poll(daemon: Daemon, begun: Any) -> httpx.Response:
    """Ask whether it was approved."""
    body = {"deviceCode": begun["deviceCode"]}
    return httpx.post(f"{daemon.url}{BEGIN}/token", json=body, timeout=30)


def test_a_code_is_approved_where_somebody_is_logged_in(
    standing: Daemon, client: httpx.Client
) -> None:
    """What asks is shown, let in once, and in the trail with both addresses."""
    begun = begin(standing)
    assert (begun["verificationUri"], begun["interval"]) == ("/device", 5)
    assert begun["verificationUriComplete"] == f"/device#{begun['userCode']}"
    assert poll(standing, begun).json()["code"] == "authorization_pending"
    code = {"userCode": begun["userCode"]}
    shown = client.post(f"{BEGIN}/lookup", json=code).raise_for_status().json()
    assert (shown["clientName"], shown["userAgent"], shown["isNear"]) == (
        "probe",
        "headless/1",
        True,
    )
    client.post(f"{BEGIN}/approve", json=code).raise_for_status()
    opened = poll(standing, begun)
    assert opened.status_code == 201
    headers = {"Authorization": f"Bearer {opened.json()['token']}"}
    with httpx.Client(base_url=standing.url, headers=headers, timeout=30) as device:
        own = device.get("/v1/sessions/current").raise_for_status().json()
        assert (own["kind"], own["name"]) == ("session", "probe")
        me = device.get("/v1/me").json()["id"]
        device.delete("/v1/sessions/current").raise_for_status()
        assert device.get("/v1/me").status_code == 401
    told = [(one["kind"], one["userId"]) for one in trail(client, own["id"], most=3)]
    assert told == [("session.approved", me), ("session.opened", me), ("session.ended", me)]


@pytest.mark.requirement("X12")
@pytest.mark.parametrize("scope", ["read", "admin"])
def test_no_token_approves_anything(standing: Daemon, client: httpx.Client, scope: str) -> None:
    """Whoever finds one makes no session of it, not even knowing the code."""
    begun = begin(standing)
    made = client.post("/v1/tokens", json={"name": "t", "scope": scope}).raise_for_status().json()
    headers = {"Authorization": f"Bearer {made['token']}"}
    with httpx.Client(base_url=standing.url, headers=headers) as by_token, unchanged(standing):
        for word in ("lookup", "approve", "deny"):
            answer = by_token.post(f"{BEGIN}/{word}", json={"userCode": begun["userCode"]})
            assert answer.json()["code"] == "insufficient_scope"
            anybody = httpx.post(f"{standing.url}{BEGIN}/{word}", json={"userCode": "BBBB-BBBB"})
            assert anybody.status_code == 401


def test_the_page_is_the_same_for_every_code(standing: Daemon) -> None:
    """It comes from here alone, runs nothing inline, and is in no frame."""
    page = httpx.get(f"{standing.url}/device")
    assert page.status_code == 200
    assert "/assets/device.js" in page.text
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"]
    assert httpx.get(f"{standing.url}/assets/device.js").status_code == 200


@pytest.mark.requirement("X10", "X12")
def test_no_token_is_taken_from_an_address(standing: Daemon, client: httpx.Client) -> None:
    """Addresses end up in logs and histories: what stands there opens nothing (X12)."""
    token = client.headers["Authorization"].removeprefix("Bearer ")
    for name in ("access_token", "token", "Authorization"):
        answer = httpx.get(f"{standing.url}/v1/me", params={name: token})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
