"""Retries are bounded, jittered, and only for what may pass; who says when is not asked sooner."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from attrs import define, field

from bitvault.client.client import Client, at
from bitvault.client.errors import BitVaultError, Problem, StoreRefused, Unreachable, seconds_of
from bitvault.client.retry import NO_RETRY, RetryPolicy


def limited(retry_after: object = 2) -> Problem:
    """Return the refusal of a rate limit."""
    members = {"code": "rate_limited", "retryable": True, "retryAfter": retry_after}
    return Problem(429, members)


@define
class Tried:
    """A call that fails as it is told, and the waits in between."""

    failures: list[BitVaultError]
    draw: float = 0.5
    waits: list[float] = field(factory=list)
    tries: int = 0

    def run(self, **bounds: Any) -> str:
        """Run the call."""
        return RetryPolicy(draw=lambda: self.draw, wait=self.waits.append, **bounds).run(self._try)

    def _try(self) -> str:
        self.tries += 1
        if self.failures:
            raise self.failures.pop(0)
        return "done"


def test_waits_grow_to_the_cap() -> None:
    """The ceiling doubles; what the server asks for comes on top."""
    policy = RetryPolicy(first=1, cap=5, draw=lambda: 1.0)
    assert [policy.delay(n) for n in (1, 2, 3, 4)] == [1, 2, 4, 5]
    assert policy.delay(1, 3) == 4


def test_a_retryable_failure_is_tried_again_and_then_raised() -> None:
    """Three attempts make two waits, and the last failure is the caller's."""
    tried = Tried([Unreachable("the server", "down")] * 9)
    with pytest.raises(Unreachable):
        tried.run(attempts=3)
    assert (tried.tries, len(tried.waits)) == (3, 2)


def test_a_final_refusal_is_not_retried() -> None:
    """A name that is taken will be taken the next time too."""
    tried = Tried([Problem(409, {"code": "name_taken"})])
    with pytest.raises(Problem, match="409"):
        tried.run()
    assert tried.tries == 1


@pytest.mark.parametrize("draw", [0.0, 0.5, 1.0])
def test_no_retry_comes_before_the_server_said(draw: float) -> None:
    """Retry-After is the least; jitter spreads those who were told the same."""
    busy = Problem(503, {"code": "overloaded", "retryable": True, "retryAfter": 3})
    tried = Tried([busy, limited(2)], draw)
    assert tried.run(first=1) == "done"
    assert tried.waits == [3 + draw, 2 + 2 * draw]


def test_a_limited_call_is_repeated_until_it_is_let_in() -> None:
    """Being limited does not use up the tries that are for failures."""
    tried = Tried([limited(1)] * 40)
    assert tried.run(attempts=3) == "done"
    assert tried.tries == 41


def test_patience_with_limits_has_an_end() -> None:
    """The waits of one call together stay below it."""
    tried = Tried([limited(20)] * 99, draw=0)
    with pytest.raises(Problem):
        tried.run(patience=70)
    assert tried.waits == [20, 20, 20]


def test_a_limit_without_a_time_is_not_hammered() -> None:
    """A second at least, also where the server says zero or nothing."""
    tried = Tried([limited(0), limited(None)], draw=0)
    assert tried.run() == "done"
    assert tried.waits == [1, 1]


def test_a_long_wait_is_the_callers_decision() -> None:
    """Nobody wants a program that sleeps for an hour in silence."""
    tried = Tried([limited(3600)])
    with pytest.raises(Problem) as refused:
        tried.run()
    assert (tried.waits, refused.value.retry_after) == ([], 3600)


def test_wrong_passwords_are_not_repeated() -> None:
    """Trying the same one again would be wrong again, and use up a guess."""
    tried = Tried([Problem(429, {"code": "too_many_attempts", "retryable": True})])
    with pytest.raises(Problem):
        tried.run()
    assert tried.tries == 1


def test_no_retry_is_none() -> None:
    """Not even of a limited call."""
    with pytest.raises(Problem):
        NO_RETRY.run(Tried([limited()])._try)


def test_the_store_may_say_when_too() -> None:
    """S3's SlowDown is a 503 with Retry-After."""
    tried = Tried([StoreRefused(503, "SlowDown", "", 4.0)], draw=0)
    assert tried.run() == "done"
    assert tried.waits == [4]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None), ("", None), ("soon", None), ("nan", None), ("inf", None), ("7", 7),
        (2.5, 2.5), (-3, 0), ("Thu, 01 Jan 1970 00:02:00 GMT", 20),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(value: object, seconds: float | None) -> None:
    """A date that has passed is now; what is neither says nothing."""
    assert seconds_of(value, now=100.0) == seconds


class Limiter(BaseHTTPRequestHandler):
    """Limits every first try, and notes the keys it was sent."""

    seen: list[tuple[str, str | None]]

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.command, self.headers.get("Idempotency-Key")))
        first = len(self.seen) % 2 == 1
        body = b'{"code":"rate_limited","retryable":true}' if first else b"{}"
        self.send_response(429 if first else 200)
        if first:
            self.send_header("Retry-After", "7")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - http.server's

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def limiter() -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """Serve it."""
    seen: list[tuple[str, str | None]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Mine", (Limiter,), {"seen": seen}))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_the_client_obeys_the_header_and_keeps_its_key(method: str) -> None:
    """Whatever may change something is repeated under the key it was sent with."""
    waits: list[float] = []
    policy = RetryPolicy(draw=lambda: 0.0, wait=waits.append)
    with limiter() as (url, seen), Client(url, "bv_test", policy=policy) as client:
        assert client.rest.raw(method, "/v1/x") == b"{}"
    assert waits == [7]
    assert seen[0] == seen[1]
    assert (seen[0][1] is not None) == (method != "GET")


def test_an_id_stays_one_segment_of_the_address() -> None:
    """Whatever a program takes for one: nothing else is asked for."""
    assert at("/v1/files/{}/copy", "a/../b?c#d") == "/v1/files/a%2F%2E%2E%2Fb%3Fc%23d/copy"
    assert at("/v1/links/{}", "..") == "/v1/links/%2E%2E"


def test_a_wait_is_told_before_it_begins() -> None:
    """Of what, and for how long; the last failure is no wait."""
    told: list[tuple[str, float]] = []
    tried = Tried([limited(3), limited(3600)], draw=0)
    with pytest.raises(Problem):
        tried.run(tell=lambda error, seconds: told.append((error.code, seconds)))
    assert told == [("rate_limited", 3)]


def test_a_server_that_has_answered_is_waited_for_longer() -> None:
    """Its restart takes some seconds; one that never answered may not be there at all."""
    quick = RetryPolicy(draw=lambda: 1.0)
    longest = [
        sum(policy.delay(n) for n in range(1, policy.attempts))
        for policy in (quick, quick.lasting())
    ]
    assert longest[0] < 5
    assert 20 < longest[1] < 60
    assert NO_RETRY.lasting() == NO_RETRY
