"""Signing in with a browser, for a program on the same machine (RFC 8252 §7.3, PKCE)."""

import hashlib
import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from bitvault.client.errors import BitVaultError
from bitvault.client.transport import Transport
from bitvault.wire.sessions import SessionOpened

PATIENCE = 600.0
"""Seconds that somebody has to sign in: as long as the server keeps the sign-in."""
_PAGE = (
    b"<!doctype html><meta charset=utf-8><title>BitVault</title>"
    b"<p>You can close this window and go back to the command line.</p>"
)


class SignInFailed(BitVaultError):  # noqa: N818 - says what happened
    """The browser came back without a code, or not at all."""

    code = "sign_in_refused"


class LoopbackSignIn:
    """Listens on a free port of 127.0.0.1 for the browser; the session itself is in no URL."""

    def __init__(self, server: str, provider_id: str) -> None:
        self._verifier, self._state = secrets.token_urlsafe(32), secrets.token_urlsafe(16)
        self._told: dict[str, str] = {}
        self._listener = HTTPServer(("127.0.0.1", 0), self._handler())
        query = {
            "returnTo": f"http://127.0.0.1:{self._listener.server_address[1]}/",
            "challenge": _digest(self._verifier),
            "state": self._state,
        }
        self.url = f"{server.rstrip('/')}/v1/sso/{provider_id}/start?{urlencode(query)}"
        """Where the browser has to go."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.server_close()

    def wait(
        self,
        rest: Transport,
        now: Callable[[], float] = time.monotonic,
        *,
        refreshable: bool = False,
    ) -> SessionOpened:
        """Wait for the browser, and take the session.

        Raises:
            SignInFailed: The sign-in was refused, or nobody came.
        """
        until = now() + PATIENCE
        while not self._told:
            self._listener.timeout = max(0.0, until - now())
            if not self._listener.timeout:
                raise SignInFailed("nobody signed in; run the command again")
            self._listener.handle_request()
        if "code" not in self._told:
            why = self._told.get("error", "no code")
            raise SignInFailed(f"the sign-in was refused ({why}); your admins can see why")
        body = {
            "code": self._told["code"],
            "verifier": self._verifier,
            "refreshable": refreshable,
        }
        return rest.call("POST", "/v1/sso/sessions", SessionOpened, body=body)

    def _take(self, path: str) -> bool:
        """Take what the browser brings, if it is of this sign-in."""
        given = dict(parse_qsl(urlsplit(path).query))
        state = given.get("state", "").encode()
        if not hmac.compare_digest(state, self._state.encode()):
            return False
        self._told = self._told or given
        return True

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self._take

        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_GET(self) -> None:
                good = take(self.path)
                self.send_response(200 if good else 404)
                _headers(self, {"Content-Type": "text/html", "Referrer-Policy": "no-referrer"})
                self.wfile.write(_PAGE if good else b"")

            def log_message(self, *_: Any) -> None:
                """Say nothing: the path has the code."""

        return Handler


def _headers(handler: BaseHTTPRequestHandler, headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()


def _digest(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
