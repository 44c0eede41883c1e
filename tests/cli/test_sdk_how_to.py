"""The how-to of the SDK, word for word, at a real daemon behind a harmful network."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import define

from tests.client.sabotage import Harm, Saboteur
from tests.support.daemon import Daemon, open_folder

pytestmark = pytest.mark.slow
PAGE = Path(__file__).parents[2] / "docs/how-to/sdk.md"
_RESUMING = "hasty = "


@define
class Weather:
    """Loses a third of the answers; and, once told so, nothing gets through for a while."""

    outage: int = 0
    met: int = 0

    def __call__(self, method: str, number: int) -> Harm:
        """Say what becomes of a request."""
        if method == "PUT" and self.outage:
            self.outage -= 1
            self.met += 1
            return "error"
        return "lose" if number % 10 in {2, 5, 8} else None


def blocks() -> list[str]:
    """Return the page's code, in order."""
    return re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def test_what_the_page_says_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Upload, download, list, share, and going on after a failure."""
    weather = Weather()
    with open_folder() as folder:
        daemon = Daemon(folder)
        with Saboteur(daemon.addresses[1], weather) as proxy:
            daemon.environment = {"BITVAULT_OBJECTS_PUBLIC_ENDPOINT": proxy.url}
            daemon.start()
            try:
                _prepare(daemon, tmp_path, monkeypatch)
                _run(weather)
            finally:
                daemon.stop()
    assert weather.met == 40
    for sent, back in (("report.odt", "copy.odt"), ("large.bin", "large-back.bin")):
        assert (tmp_path / back).read_bytes() == (tmp_path / sent).read_bytes()
    assert len(list((tmp_path / "photos-back").iterdir())) == 20


def _prepare(daemon: Daemon, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the files of the page, the user it shares with, and the environment it reads."""
    (folder / "report.odt").write_bytes(b"a report" * 1000)
    (folder / "photos").mkdir()
    for number in range(20):
        (folder / "photos" / f"{number}.jpg").write_bytes(b"%d" % number * 1000)
    with (folder / "large.bin").open("wb") as file:
        for number in range(5):
            file.write(bytes([number]) * (16 << 20))
    with daemon.client() as admin:
        ann = {"login": "ann", "displayName": "Ann", "password": "a password of hers"}
        assert admin.post("/v1/users", json=ann).status_code == 201
        token = _token(admin)
    monkeypatch.setenv("BITVAULT_SERVER", daemon.url)
    monkeypatch.setenv("BITVAULT_TOKEN", token)
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    monkeypatch.chdir(folder)


def _token(admin: httpx.Client) -> str:
    made = admin.post("/v1/tokens", json={"name": "sdk", "scope": "write"})
    assert made.status_code == 201, made.text
    return str(made.json()["token"])


def _run(weather: Weather) -> None:
    names: dict[str, Any] = {}
    for block in blocks():
        if block.startswith(_RESUMING):
            weather.outage = 40
        exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102 - it is our own page


def test_the_page_has_what_it_is_for() -> None:
    """A page whose code is not found would pass unread."""
    code = "\n".join(blocks())
    for word in (".put(", ".get(", ".children(", ".share(", _RESUMING):
        assert word in code
