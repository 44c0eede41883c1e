"""Single sign-on through the front door, with a real provider and the way a browser goes."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
from attrs import define

from bitvault.client.loopback import LoopbackSignIn
from bitvault.client.transport import Transport
from tests.support.daemon import Daemon, eventually
from tests.support.issuer import sha
from tests.support.tables import unchanged

FOLDER = Path(__file__).parents[1] / "identity_provider"
NODE = Path(__file__).parents[2] / ".venv/bin/node"
VERIFIER = "v" * 43
HOPS = 20


class Form(HTMLParser):
    """Finds where a page's form goes, and its hidden fields."""

    action = ""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one tag."""
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = found["action"]
        if tag == "input" and found.get("type") == "hidden":
            self.fields[found["name"]] = found["value"]


@define(eq=False)
class Certified:
    """The provider that is certified, in a process of its own."""

    url: str

    def has(self, **accounts: Any) -> None:
        """Let it know people, and what it says of them."""
        httpx.post(f"{self.url}/test/accounts", json=accounts).raise_for_status()

    def rotate(self) -> None:
        """Let it sign with another key, and forget the old one."""
        httpx.post(f"{self.url}/test/rotate").raise_for_status()

    def register(self, redirect_uri: str, logout_uri: str) -> dict[str, str]:
        """Register a client, as its own interface has it."""
        body = {
            "redirect_uris": [redirect_uri],
            "backchannel_logout_uri": logout_uri,
            "backchannel_logout_session_required": True,
        }
        made: dict[str, str] = httpx.post(f"{self.url}/reg", json=body).raise_for_status().json()
        return made


@pytest.fixture(scope="module")
def certified() -> Iterator[Certified]:
    """Run it."""
    command = [str(NODE), "server.mjs"]
    with subprocess.Popen(
        command, cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout
        line = process.stdout.readline()
        yield Certified(line.split()[-1])
        # What the wheel puts there is a program that starts node, and leaves it behind.
        os.killpg(process.pid, signal.SIGTERM)


@pytest.fixture
def provider(client: httpx.Client, certified: Certified, standing: Daemon) -> Iterator[str]:
    """Configure it for the first tenant, and return its id."""
    body = {
        "name": "Certified",
        "issuer": certified.url,
        "clientId": "not registered yet",
        "clientSecret": "neither",
        "scopes": ["openid", "profile", "email", "groups", "quota"],
        "groupsClaim": "groups",
        "quotaClaim": "quota",
        "makesUsers": True,
    }
    made = client.post("/v1/identity-providers", json=body).raise_for_status()
    path = f"/v1/identity-providers/{made.json()['id']}"
    paths = made.json()["redirectPath"], made.json()["logoutPath"]
    registered = certified.register(*(standing.url + one for one in paths))
    secret = {
        "clientId": registered["client_id"],
        "clientSecret": registered["client_secret"],
    }
    headers = {"If-Match": made.headers["ETag"]}
    shown = client.patch(path, json=secret, headers=headers).raise_for_status()
    assert registered["client_secret"] not in shown.text
    yield made.json()["id"]
    client.delete(path).raise_for_status()


def browse(browser: httpx.Client, url: str, login: str, until: str) -> str:
    """Go where the provider sends a browser, fill in its forms; return the URL that begins so."""
    answer = browser.get(url)
    for _ in range(HOPS):
        if answer.is_redirect:
            where = urljoin(str(answer.url), answer.headers["Location"])
            if where.startswith(until):
                return where
            answer = browser.get(where)
        else:
            form = Form(answer.raise_for_status().text)
            data = {**form.fields, "login": login, "password": "any"}
            answer = browser.post(urljoin(str(answer.url), form.action), data=data)
    raise AssertionError(answer.text)


def walk(browser: httpx.Client, url: str, login: str) -> None:
    """Go all the way, to the page of the program."""
    answer = browser.get(url)
    for _ in range(HOPS):
        if answer.is_redirect:
            answer = browser.get(urljoin(str(answer.url), answer.headers["Location"]))
        elif "<form" in answer.text:
            form = Form(answer.text)
            data = {**form.fields, "login": login, "password": "any"}
            answer = browser.post(urljoin(str(answer.url), form.action), data=data)
        else:
            return


def start(daemon: Daemon, provider: str) -> str:
    """Return where a browser begins."""
    query = {"returnTo": "/app", "challenge": sha(VERIFIER), "state": "mine"}
    return str(httpx.URL(f"{daemon.url}/v1/sso/{provider}/start", params=query))


def redeem(daemon: Daemon, where: str) -> httpx.Response:
    """Take the session, as a page of this server would."""
    query = {name: one[0] for name, one in parse_qs(urlsplit(where).query).items()}
    assert query["state"] == "mine"
    body = {"code": query["code"], "verifier": VERIFIER}
    return httpx.post(f"{daemon.url}/v1/sso/sessions", json=body, timeout=30)


def test_a_browser_signs_in_with_a_certified_provider(
    standing: Daemon, client: httpx.Client, certified: Certified, provider: str
) -> None:
    """To an account with groups and a quota; the next time with another key of the provider."""
    claims = {"preferred_username": "sue", "name": "Sue", "groups": ["staff"], "quota": "10 GB"}
    certified.has(sue=claims)
    with httpx.Client(timeout=30) as browser:
        where = browse(browser, start(standing, provider), "sue", f"{standing.url}/app?")
        opened = redeem(standing, where).raise_for_status().json()
        assert (opened["user"]["login"], opened["user"]["isAdmin"]) == ("sue", False)
        assert redeem(standing, where).json()["code"] == "sign_in_refused"
    headers = {"Authorization": f"Bearer {opened['token']}"}
    me = httpx.get(f"{standing.url}/v1/me", headers=headers).raise_for_status().json()
    assert me["id"] == opened["user"]["id"]
    [group] = client.get("/v1/groups", params={"name": "sso:staff"}).json()["items"]
    members = f"/v1/groups/{group['id']}/members"
    assert [one["login"] for one in client.get(members).json()["items"]] == ["sue"]
    quota = client.get(f"/v1/users/{me['id']}/quota").json()
    assert (quota["quota"], quota["isDefault"]) == (10 << 30, False)
    assert quota["providerId"] == provider
    certified.rotate()
    certified.has(sue={"preferred_username": "sue", "groups": [], "quota": "default"})
    with httpx.Client(timeout=30) as browser:
        where = browse(browser, start(standing, provider), "sue", f"{standing.url}/app?")
        assert redeem(standing, where).json()["user"]["id"] == me["id"]
    assert client.get(members).json()["items"] == []
    assert client.get(f"/v1/users/{me['id']}/quota").json()["isDefault"]


def test_logging_out_at_the_provider_ends_the_session_that_came_of_it(
    standing: Daemon, certified: Certified, provider: str
) -> None:
    """The provider tells the daemon itself; another browser of the same user stays logged in."""
    certified.has(vic={"preferred_username": "vic"})
    with httpx.Client(timeout=30) as browser, httpx.Client(timeout=30) as other:
        tokens = []
        for each in (browser, other):
            where = browse(each, start(standing, provider), "vic", f"{standing.url}/app?")
            tokens.append(redeem(standing, where).raise_for_status().json()["token"])
        form = Form(browser.get(f"{certified.url}/session/end").raise_for_status().text)
        browser.post(form.action, data={**form.fields, "logout": "yes"})
    answers = [
        httpx.get(f"{standing.url}/v1/me", headers={"Authorization": f"Bearer {token}"})
        for token in tokens
    ]
    assert [answer.status_code for answer in answers] == [401, 200]


@pytest.mark.requirement("X10")
def test_x10_a_sign_in_is_bound_to_its_browser_by_a_cookie(
    standing: Daemon, certified: Certified, provider: str
) -> None:
    """HttpOnly, Lax, for ten minutes; without it the callback is refused and nothing changes."""
    certified.has(tom={"preferred_username": "tom"})
    with httpx.Client(timeout=30) as browser, httpx.Client(timeout=30) as other:
        begun = browser.get(start(standing, provider))
        cookie = begun.headers["Set-Cookie"]
        assert begun.status_code == 303
        for word in ("bitvault-sso=", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=600"):
            assert word in cookie
        callback = browse(
            browser, begun.headers["Location"], "tom", f"{standing.url}/v1/sso/{provider}/callback"
        )
        with unchanged(standing):
            stolen = other.get(callback)
            assert (stolen.status_code, stolen.json()["code"]) == (403, "sign_in_refused")
        assert browser.get(callback).status_code == 303
        assert browser.get(callback).json()["code"] == "sign_in_refused"


def test_a_program_signs_in_by_the_browser_of_its_machine(
    standing: Daemon, client: httpx.Client, certified: Certified, provider: str
) -> None:
    """It listens on the loopback, and the session is in no URL; the trail tells of it."""
    certified.has(una={"preferred_username": "una"})
    ways = httpx.get(f"{standing.url}/v1/sso").json()["items"]
    assert {"id": provider, "name": "Certified"} in ways
    with LoopbackSignIn(standing.url, provider) as sign_in, httpx.Client(timeout=30) as browser:
        thread = threading.Thread(target=walk, args=(browser, sign_in.url, "una"))
        thread.start()
        rest = Transport(standing.url, None)
        session = sign_in.wait(rest)
        rest.close()
        thread.join()
    assert session.user.login == "una"

    def told() -> Any:
        return client.get("/v1/audit", params={"subject": "provider"}).json()["items"]

    assert eventually(lambda: "una" in json.dumps(told()), 10)
    assert session.token not in json.dumps(told())


def page(daemon: Daemon, address: str, kept: Any, clicks: str, code: str = "") -> Any:
    """Open the page that lets other machines in, and press its buttons."""
    script = [str(NODE), str(Path(__file__).parent / "device_page.mjs")]
    arguments = [daemon.url, address, json.dumps(kept), clicks, code]
    return json.loads(subprocess.check_output([*script, *arguments], text=True, timeout=30))


def test_the_page_for_other_machines_takes_a_sign_in(
    standing: Daemon, certified: Certified, provider: str
) -> None:
    """The tab goes to the provider, comes back with a code for itself alone, and approves."""
    certified.has(wim={"preferred_username": "wim"})
    begin = f"{standing.url}/v1/device-authorizations"
    begun = httpx.post(begin, json={"clientName": "nas"}).json()
    sent = page(standing, "/device", {}, "sso", begun["userCode"])
    assert sent["sentTo"].startswith(f"/v1/sso/{provider}/start?returnTo=%2Fdevice&"), sent
    with httpx.Client(timeout=30) as browser:
        where = browse(browser, standing.url + sent["sentTo"], "wim", f"{standing.url}/device?")
    stranger = page(standing, where, {}, "")
    assert "not begun here" in stranger["shown"]["notices"]
    back = page(standing, where, sent["kept"], "approve")
    assert back["kept"] == {}
    assert "(wim, default)" in back["shown"]["facts"]
    assert "let in within seconds" in back["shown"]["notices"], back
    body = {"deviceCode": begun["deviceCode"]}
    opened = httpx.post(f"{begin}/token", json=body).raise_for_status().json()
    assert opened["user"]["login"] == "wim"
