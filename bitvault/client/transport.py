"""The control plane: REST over httpx, with retries that repeat nothing twice."""

import platform
import ssl
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import msgspec

from bitvault import __version__
from bitvault.client.bearers import UNAUTHENTICATED, Bearer, Fixed
from bitvault.client.errors import Problem, Unreachable
from bitvault.client.retry import RetryPolicy

T = TypeVar("T")
AGENT = f"bitvault/{__version__} ({platform.system() or 'unknown system'})"
"""What lists of sessions and the audit trail show of this program."""


class Transport:
    """Calls one server as one user; safe to share between threads.

    A token that is refused is replaced, if the bearer has another, and the call is made again: what
    was refused had no effect.

    Error handling: answers that are retryable, and broken connections, are retried with the same
    Idempotency-Key, so that a call whose answer was lost has its effect once (ADR-0014). Whatever
    may change something has such a key: a PATCH or DELETE would else be refused when repeated.
    """

    def __init__(
        self,
        server: str,
        bearer: Bearer | None = None,
        *,
        timeout: float = 60.0,
        policy: RetryPolicy | None = None,
        keys: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        self.server = server.rstrip("/")
        self._http = httpx.Client(
            base_url=self.server,
            headers={"User-Agent": AGENT},
            timeout=timeout,
            verify=_trust(self.server),
        )
        self._bearer = bearer or Fixed()
        self._policy = policy or RetryPolicy()
        self._answered = False
        self._keys = keys

    @property
    def policy(self) -> RetryPolicy:
        """How to retry: with patience once this server has answered at all."""
        return self._policy.lasting() if self._answered else self._policy

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def call(
        self,
        method: str,
        path: str,
        answer: type[T],
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        """Call and decode the answer.

        Raises:
            Problem: the server said no.
            Unreachable: no server, or no answer of the shape that was promised.
        """
        raw = self.raw(method, path, body=body, params=params, headers=headers)
        try:
            return msgspec.json.decode(raw, type=answer)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise Unreachable(self.server, f"its answer is not BitVault's ({error})") from error

    def raw(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """Call and return the body as it came."""
        sent = dict(headers or {})
        if method != "GET":
            sent["Idempotency-Key"] = self._keys()
        content = None
        if body is not None:
            sent["Content-Type"] = "application/json"
            content = msgspec.json.encode(body)
        query = {key: value for key, value in (params or {}).items() if value is not None}
        url = httpx.URL(path).copy_merge_params(query)
        request = self._http.build_request(method, url, content=content, headers=sent)
        token = self._bearer.token()
        try:
            return self.policy.run(lambda: self._once(request, token))
        except Problem as problem:
            if token is None or problem.code != UNAUTHENTICATED:
                raise
            another = self._bearer.instead_of(token)
            if another is None:
                raise
        return self.policy.run(lambda: self._once(request, another))

    def once(self, method: str, path: str) -> None:
        """Call without a body and without a second try."""
        self._once(self._http.build_request(method, path), self._bearer.token())

    def _once(self, request: httpx.Request, token: str | None) -> bytes:
        if token is not None:
            request.headers["Authorization"] = f"Bearer {token}"
        try:
            response = self._http.send(request)
        except httpx.HTTPError as error:
            raise Unreachable(self.server, str(error) or type(error).__name__) from error
        self._answered = True
        if not response.is_success:
            raise _problem(response)
        return response.content


def _trust(server: str) -> ssl.SSLContext | bool:
    """Return what certificates to trust; none for plain HTTP, as reading the list takes 15 ms."""
    if urlsplit(server).scheme == "http":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return True


def _problem(response: httpx.Response) -> Problem:
    """Read a problem; something else in between (a proxy) may have answered plain text."""
    try:
        members = msgspec.json.decode(response.content, type=dict[str, Any])
    except (msgspec.DecodeError, msgspec.ValidationError):
        members = {"detail": f"HTTP {response.status_code} {response.reason_phrase}".rstrip()}
    retry_after = response.headers.get("retry-after")
    return Problem(response.status_code, {"retryAfter": retry_after, **members})
