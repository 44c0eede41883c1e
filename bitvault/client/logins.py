"""A login that is kept: in a file that several processes share, or in the memory of one.

The access token is good for an hour or so, the refresh token once (ADR-0028). So whoever refreshes
keeps what is answered before anybody uses it, and nobody refreshes meanwhile.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

import msgspec

from bitvault.client.errors import BitVaultError
from bitvault.client.state import write_private
from bitvault.wire.sessions import SessionOpened, SessionRefreshed

if sys.platform != "win32":
    import fcntl

EARLY: Final = timedelta(seconds=60)
"""A token that ends so soon is not begun a call with; and none is replaced sooner than that."""
_PATIENCE, _POLL = 60.0, 0.05


class LoginBusy(BitVaultError):  # noqa: N818 - says what stood in the way
    """Another process has kept the stored login to itself for a minute."""

    code = "login_busy"

    def __init__(self, path: Path) -> None:
        super().__init__(f"another process is refreshing {path} and does not end")


class Login(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A session at a server, as it is kept; ``received_at`` is of this machine's clock."""

    server: str
    token: str
    user_id: str | None = None
    refresh_token: str | None = None
    expires_at: datetime | None = None
    received_at: datetime | None = None
    ca_file: str | None = None
    """Of certificates that are trusted for this server besides the system's."""

    def __repr__(self) -> str:
        return f"Login({self.server!r})"

    def is_due(self, now: datetime) -> bool:
        """Say whether to refresh before the next call.

        The end is the server's word and ``now`` ours: where the clocks differ, that is once a
        minute at most, or the server says when.
        """
        if self.refresh_token is None or self.expires_at is None:
            return False
        is_fresh = self.received_at is not None and now < self.received_at + EARLY
        return now >= self.expires_at - EARLY and not is_fresh

    def continues(self, other: "Login") -> bool:
        """Say whether it is of the same user at the same server."""
        return (self.server, self.user_id) == (other.server, other.user_id)


def opened(
    server: str, session: SessionOpened, now: datetime | None = None, *, ca_file: str | None = None
) -> Login:
    """Return what to keep of a session that was opened just now."""
    return Login(
        server=server.rstrip("/"),
        token=session.token,
        user_id=str(session.user.id),
        refresh_token=session.refresh_token,
        expires_at=session.expires_at,
        received_at=now or _now(),
        ca_file=ca_file,
    )


class LoginStore(Protocol):
    """Where a login is kept."""

    def read(self) -> Login | None:
        """Return what is kept now; None: nothing."""
        ...

    def write(self, login: Login) -> None:
        """Keep another one, all of it or nothing."""
        ...

    def locked(self) -> AbstractContextManager[None]:
        """Keep others from changing it meanwhile."""
        ...


class LoginMemory:
    """Keeps a login in this process alone."""

    def __init__(self, login: Login) -> None:
        self._login = login

    def read(self) -> Login | None:
        """Return it."""
        return self._login

    def write(self, login: Login) -> None:
        """Replace it."""
        self._login = login

    def locked(self) -> AbstractContextManager[None]:
        """Do nothing: whoever uses it takes turns already."""
        return nullcontext()


class LoginFile:
    """Keeps a login in a file of mode 0600, for all processes of its owner."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Login | None:
        """Return what is there; None for nothing, or nothing that is a login."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Login)
        except (OSError, msgspec.DecodeError):
            return None

    def write(self, login: Login) -> None:
        """Replace the file."""
        members = {key: value for key, value in _members(login).items() if value is not None}
        write_private(self.path, msgspec.json.encode(members).decode())

    def remove(self) -> None:
        """Forget it."""
        with self.locked():
            self.path.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the file beside it, which stays: removed, two could hold what has one name.

        Raises:
            LoginBusy: somebody else has held it for a minute.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if sys.platform != "win32":
                _hold(descriptor, self.path)
            yield
        finally:
            os.close(descriptor)


def _members(login: Login) -> dict[str, object]:
    named: dict[str, object] = msgspec.to_builtins(login)
    return named


def _hold(descriptor: int, path: Path, now: Callable[[], float] = time.monotonic) -> None:
    """Take the lock; it ends with the file, however the process ends."""
    until = now() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if now() >= until:
                raise LoginBusy(path) from None
        else:
            return
        time.sleep(_POLL)


def renewed(login: Login, answer: SessionRefreshed, now: datetime) -> Login:
    """Return what to keep from now on."""
    return msgspec.structs.replace(
        login,
        token=answer.token,
        refresh_token=answer.refresh_token,
        expires_at=answer.expires_at,
        received_at=now,
    )


def _now() -> datetime:
    return datetime.now(UTC)
