"""Which token a client sends, and what it does when that is refused."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

import msgspec
from attrs import field, frozen

from bitvault.client.errors import Problem
from bitvault.client.logins import Login, LoginStore, renewed
from bitvault.wire.sessions import SessionRefreshed

UNAUTHENTICATED = "unauthenticated"


class Bearer(Protocol):
    """Safe to share between threads."""

    def token(self) -> str | None:
        """Return what to send now; None: nothing."""
        ...

    def instead_of(self, refused: str) -> str | None:
        """Return another token than the one that was refused; None: there is none."""
        ...


@frozen
class Fixed:
    """One token, or none, for as long as it is good."""

    _token: str | None = field(default=None, repr=False)

    def token(self) -> str | None:
        """Return it."""
        return self._token

    def instead_of(self, _refused: str) -> str | None:
        """Know no other."""
        return None


class Rotating:
    """Refreshes a login that is kept, shortly before its token ends or when it is refused.

    Error handling: whatever goes wrong before the server answers leaves what is kept as it is; the
    next try is told the same pair, if it comes within ten seconds. What the server refuses to
    refresh is never sent again, by no process.
    """

    def __init__(
        self,
        server: str,
        store: LoginStore,
        refresh: Callable[[str], SessionRefreshed],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store, self._refresh, self._now = store, refresh, now
        login = store.read()
        # What was stored for one server is never sent to another.
        is_its = login is not None and login.server == server.rstrip("/")
        self._login = login if is_its else None
        self._turn = threading.Lock()

    def token(self) -> str | None:
        """Return a token that is not about to end.

        Raises:
            BitVaultError: it was, and could not be refreshed.
        """
        login = self._login
        if login is None:
            return None
        return self.instead_of(login.token) if login.is_due(self._now()) else login.token

    def instead_of(self, refused: str) -> str | None:
        """Take what another thread or process has got meanwhile, or refresh.

        Raises:
            BitVaultError: the session has ended, or the server does not answer.
        """
        with self._turn:
            mine = self._login
            if mine is None or mine.token != refused:
                return None if mine is None else mine.token
            with self._store.locked():
                kept = self._store.read()
                if kept is None or not kept.continues(mine):
                    return None
                self._login = kept if kept.token != refused else self._next(kept)
            return self._login.token if self._login.token != refused else None

    def _next(self, login: Login) -> Login:
        if login.refresh_token is None:
            return login
        try:
            answer = self._refresh(login.refresh_token)
        except Problem as problem:
            if problem.code == UNAUTHENTICATED:
                self._store.write(msgspec.structs.replace(login, refresh_token=None))
            raise
        following = renewed(login, answer, self._now())
        self._store.write(following)
        return following
