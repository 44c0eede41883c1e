"""The control plane: REST over httpx, with retries that repeat nothing twice."""

import platform
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import msgspec

from bitvault import __version__
from bitvault.client.bearers import UNAUTHENTICATED, Bearer, Fixed
from bitvault.client.errors import (
    BadAddress,
    BitVaultError,
    NotText,
    Problem,
    Unreachable,
    WrongAnswer,
)
from bitvault.client.reaching import NEEDS_HTTPS, of_silence, reason_of
from bitvault.client.reading import read_answer
from bitvault.client.retry import RetryPolicy
from bitvault.client.trust import trusting

T = TypeVar("T")
_BAD = 400
_JSON = {"Content-Type": "application/json"}
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
        ca_file: str | Path | None = None,
        keys: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        self.server = server.rstrip("/")
        try:
            self._http = httpx.Client(
                base_url=self.server,
                headers={"User-Agent": AGENT},
                timeout=timeout,
                verify=_trust(self.server, ca_file),
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise BadAddress(server) from error
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
            Unreachable: no server.
            WrongAnswer: no answer of the shape that was promised.
        """
        return self.read(self.raw(method, path, body=body, params=params, headers=headers), answer)

    def read(self, raw: bytes | msgspec.Raw, answer: type[T]) -> T:
        """Decode an answer.

        Raises:
            WrongAnswer: no answer of the shape that was promised.
        """
        try:
            return read_answer(raw, answer)
        except msgspec.DecodeError as error:
            what = f"it is not BitVault's ({error})"
            raise WrongAnswer(self.server, what) from error

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
        request = self._request(method, path, body, params or {}, dict(headers or {}))
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

    def _request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        params: Mapping[str, Any],
        headers: dict[str, str],
    ) -> httpx.Request:
        """Build a request; its key stays the same when it is repeated.

        Raises:
            NotText: a name in it is not UTF-8.
        """
        if method != "GET":
            headers["Idempotency-Key"] = self._keys()
        query = {key: value for key, value in params.items() if value is not None}
        try:
            content = None if body is None else msgspec.json.encode(body)
            url = httpx.URL(path).copy_merge_params(query)
        except UnicodeEncodeError as error:
            raise NotText(str(error.object)) from error
        if content is not None:
            headers |= _JSON
        return self._http.build_request(method, url, content=content, headers=headers)

    def once(
        self, method: str, path: str, timeout: float, body: Mapping[str, Any] | None = None
    ) -> bytes:
        """Call without a second try."""
        content, headers = (None, {}) if body is None else (msgspec.json.encode(body), _JSON)
        request = self._http.build_request(
            method, path, content=content, headers=headers, timeout=timeout
        )
        return self._once(request, self._bearer.token())

    def _once(self, request: httpx.Request, token: str | None) -> bytes:
        if token is not None:
            request.headers["Authorization"] = f"Bearer {token}"
        try:
            response = self._http.send(request)
        except httpx.HTTPError as error:
            reason = reason_of(error)
            if not self._answered:
                reason = of_silence(self.server, reason)
            raise Unreachable(self.server, reason) from error
        except UnicodeError as error:
            raise BadAddress(self.server) from error
        if not response.is_success:
            raise self._refusal(response)
        self._answered = True
        return response.content

    def _refusal(self, response: httpx.Response) -> BitVaultError:
        problem = _problem(response)
        if problem is not None:
            self._answered = True
            return problem
        is_plain = self.server.startswith("http://")
        if is_plain and response.status_code == _BAD and b"HTTPS" in response.content:
            return Unreachable(self.server, NEEDS_HTTPS)
        said = f"HTTP {response.status_code} {response.reason_phrase}".rstrip()
        if location := response.headers.get("location"):
            said += f", it leads to {location[:200]}"
        members = {"detail": said, "retryAfter": response.headers.get("retry-after")}
        return Problem(response.status_code, members)


def _trust(server: str, ca_file: str | Path | None) -> ssl.SSLContext:
    """Return what certificates to trust; none for plain HTTP, as reading the list takes 15 ms."""
    if urlsplit(server).scheme == "http":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return trusting(ca_file)


def _problem(response: httpx.Response) -> Problem | None:
    """Read a problem; None for what something else in between (a proxy) has answered."""
    try:
        members = msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.DecodeError:
        return None
    retry_after = response.headers.get("retry-after")
    return Problem(response.status_code, {"retryAfter": retry_after, **members})
