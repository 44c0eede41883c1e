"""A login that is kept is refreshed in time, by one at a time, and never given to somebody else."""

import json
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from attrs import define, field

from bitvault.client import logins
from bitvault.client.bearers import Fixed, Rotating
from bitvault.client.errors import BitVaultError, Problem, Unreachable
from bitvault.client.logins import EARLY, Login, LoginBusy, LoginFile, LoginMemory
from bitvault.wire.sessions import SessionRefreshed

NOW = datetime(2030, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SERVER = "https://files.example.org"
FIRST = Login(
    server=SERVER,
    token="bv_0",
    user_id="ann",
    refresh_token="bvf_0",
    expires_at=NOW + HOUR,
    received_at=NOW,
)
ENDED = Problem(401, {"code": "unauthenticated"})


@define
class Server:
    """Hands out numbered pairs, each good for an hour of its clock, or fails as it is told."""

    now: datetime = NOW
    asked: list[str] = field(factory=list)
    failures: list[BitVaultError] = field(factory=list)

    def refresh(self, refresh_token: str) -> SessionRefreshed:
        """Answer the next pair."""
        self.asked.append(refresh_token)
        if self.failures:
            raise self.failures.pop(0)
        number = len(self.asked)
        return SessionRefreshed(
            token=f"bv_{number}",
            expires_at=self.now + HOUR,
            refresh_token=f"bvf_{number}",
            session_expires_at=NOW + 30 * 24 * HOUR,
        )

    def bearer(self, store: logins.LoginStore) -> Rotating:
        """Return what sends the tokens of a store."""
        return Rotating(f"{SERVER}/", store, self.refresh, lambda: self.now)


@pytest.fixture
def file(tmp_path: Path) -> LoginFile:
    """Keep the first login in a file."""
    made = LoginFile(tmp_path / "config" / "credentials.json")
    made.write(FIRST)
    return made


def test_a_token_is_replaced_shortly_before_it_ends(file: LoginFile) -> None:
    """Not sooner; and what is answered is kept before it is used."""
    server = Server()
    bearer = server.bearer(file)
    server.now += HOUR - EARLY - timedelta(seconds=1)
    assert bearer.token() == "bv_0"
    server.now += timedelta(seconds=1)
    assert bearer.token() == "bv_1"
    kept = file.read()
    assert kept
    assert (kept.token, kept.refresh_token, kept.received_at) == ("bv_1", "bvf_1", server.now)
    assert (bearer.token(), server.asked) == ("bv_1", ["bvf_0"])


@pytest.mark.parametrize("hours", [-3, 3])
def test_clocks_that_differ_are_no_harm(file: LoginFile, hours: int) -> None:
    """Ours ahead: once a minute at most. Ours behind: the server says when."""
    server = Server(NOW + hours * HOUR)
    bearer = server.bearer(file)
    first = [bearer.token() for _ in range(3)]
    assert first == ["bv_1" if hours > 0 else "bv_0"] * 3
    refused = first[-1] or ""
    another = bearer.instead_of(refused)
    assert another == f"bv_{len(server.asked)}" != refused


def test_a_refused_token_is_replaced_once_for_all_threads(file: LoginFile) -> None:
    """Eight who were refused the same one: one asks, the others take what it got."""
    server, got = Server(), list[str | None]()
    bearer, ready = server.bearer(file), threading.Barrier(8)

    def work() -> None:
        ready.wait()
        got.append(bearer.instead_of("bv_0"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (got, server.asked) == (["bv_1"] * 8, ["bvf_0"])


def test_what_another_process_wrote_is_taken(file: LoginFile) -> None:
    """Nobody refreshes with a token that somebody else has used."""
    server = Server()
    one, other = server.bearer(file), server.bearer(LoginFile(file.path))
    assert one.instead_of("bv_0") == "bv_1"
    assert other.instead_of("bv_0") == "bv_1"
    assert server.asked == ["bvf_0"]


def test_a_login_is_sent_to_its_own_server_alone(file: LoginFile) -> None:
    """Whatever a program says where to, and whatever was stored meanwhile."""
    server = Server()
    bearer = Rotating("https://evil.example.org", file, server.refresh, lambda: server.now)
    assert (bearer.token(), bearer.instead_of("bv_0"), server.asked) == (None, None, [])


@pytest.mark.parametrize("change", [{"user_id": "ben"}, {"server": "https://other.example.org"}])
def test_nobody_goes_on_as_somebody_else(file: LoginFile, change: dict[str, str]) -> None:
    """Another login was stored meanwhile: what began as one user ends, and sends nothing of it."""
    server = Server()
    bearer = server.bearer(file)
    file.write(msgspec.structs.replace(FIRST, token="bv_9", **change))
    assert bearer.instead_of("bv_0") is None
    file.remove()
    assert bearer.instead_of("bv_0") is None
    assert server.asked == []


def test_without_an_answer_all_stays_as_it_is(file: LoginFile) -> None:
    """The next try presents the same token, which is told the same pair for ten seconds."""
    server = Server(failures=[Unreachable("it", "down")])
    bearer = server.bearer(file)
    with pytest.raises(Unreachable):
        bearer.instead_of("bv_0")
    assert file.read() == FIRST
    assert bearer.instead_of("bv_0") == "bv_2"
    assert server.asked == ["bvf_0", "bvf_0"]


def test_a_session_that_has_ended_is_not_asked_for_again(file: LoginFile) -> None:
    """Neither by this process nor by the next: wrong tokens are counted."""
    server = Server(failures=[ENDED])
    bearer = server.bearer(file)
    with pytest.raises(Problem):
        bearer.instead_of("bv_0")
    assert bearer.instead_of("bv_0") is None
    assert server.bearer(file).instead_of("bv_0") is None
    assert server.asked == ["bvf_0"]


def test_a_login_without_a_refresh_token_is_used_until_it_is_refused() -> None:
    """As any token; also one that an older version stored."""
    server = Server(NOW + 900 * HOUR)
    bearer = server.bearer(LoginMemory(Login(server=SERVER, token="bv_0")))
    assert (bearer.token(), bearer.instead_of("bv_0"), server.asked) == ("bv_0", None, [])
    assert (Fixed("bv_0").token(), Fixed("bv_0").instead_of("bv_0")) == ("bv_0", None)


def test_the_file_is_private_and_whole(file: LoginFile) -> None:
    """Mode 0600, as its lock; what is no login is none; and no secret is in a representation."""
    with file.locked():
        file.write(FIRST)
    for path in (file.path, file.path.with_suffix(".lock")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert file.read() == FIRST
    assert "bv" not in repr(FIRST)
    for text in ("", "[]", "{}", json.dumps({"server": 1, "token": "x"})):
        file.path.write_text(text)
        assert file.read() is None


def test_a_process_that_keeps_the_login_to_itself_is_named(
    file: LoginFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits for it says so after a minute, and has changed nothing."""
    monkeypatch.setattr(logins, "_PATIENCE", 0.0)
    server = Server()
    bearer = server.bearer(LoginFile(file.path))
    with file.locked(), pytest.raises(LoginBusy, match="credentials"):
        bearer.instead_of("bv_0")
    assert (bearer.instead_of("bv_0"), server.asked) == ("bv_1", ["bvf_0"])
