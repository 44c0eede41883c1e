"""HEAD on kept connections: what stores do in order, and what they do not."""

import ssl
from pathlib import Path

import pytest
import trio
import trio.testing
import trustme
from trio.testing import MockClock

from bitvault.drivers import aio
from bitvault.drivers.objects.heads import NoAnswer
from bitvault.drivers.objects.s3 import (
    S3ObjectStore,
    _opened,
    open_objects,
)
from bitvault.drivers.objects.signing import PROVEN
from bitvault.kernel.clock import SystemClock
from bitvault.kernel.ids import SystemIds
from bitvault.kernel.refusal import DependencyDown
from tests.drivers.objects.conftest import Place, options_for
from tests.drivers.objects.scripted import (
    Conversation,
    asking,
    found,
    saying,
    serving,
)
from tests.drivers.objects.test_conformance import digest, put

_MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


async def test_many_requests_take_one_connection(place: Place) -> None:
    """Found and missing alternate; each gets its own answer, on a connection that stays."""
    await put(place, "blobs/heads/1", b"hello")

    for _ in range(3):
        here = await place.store.head("blobs/heads/1")
        assert here is not None
        assert (here.size, here.sha256) == (5, digest(b"hello"))
        assert await place.store.head("blobs/heads/2") is None


async def test_answers_are_read_one_by_one() -> None:
    """One connection, and every answer is that of its request."""
    async with serving(saying(found(1), _MISSING, found(3))) as server, asking(server.url) as heads:
        answers = [await heads.ask("blobs/a") for _ in range(3)]

    assert [one.status for one in answers] == [200, 404, 200]
    assert [answers[0].info("a").size, answers[2].info("a").size] == [1, 3]
    assert len(server.conversations) == 1


async def test_a_connection_that_was_closed_while_idle_costs_nothing() -> None:
    """The next request takes another one, and nobody is told."""
    async with serving(saying(found(1)), saying(found(2))) as server, asking(server.url) as heads:
        assert (await heads.ask("blobs/a")).info("a").size == 1
        assert (await heads.ask("blobs/a")).info("a").size == 2


async def test_a_store_that_hangs_up_on_the_next_request_is_asked_again() -> None:
    """So it is when it closes just as the request comes: that is no try, and two are left."""

    async def hangs_up(conversation: Conversation) -> None:
        await conversation.answer(found(1))
        await conversation.hear()

    async def only_hears(conversation: Conversation) -> None:
        await conversation.hear()

    script = (hangs_up, only_hears, saying(found(3)))
    async with serving(*script) as server, asking(server.url) as heads:
        await heads.ask("blobs/a")
        assert (await heads.ask("blobs/a")).info("a").size == 3


async def test_two_tries_are_all() -> None:
    """A store that hangs up every time is asked twice."""

    async def only_hears(conversation: Conversation) -> None:
        await conversation.hear()

    async with serving(only_hears) as server, asking(server.url) as heads:
        with pytest.raises(NoAnswer):
            await heads.ask("blobs/a")

    assert len(server.conversations) == 2


async def test_an_answer_that_comes_twice_is_taken_once() -> None:
    """What nobody asked for is never the answer to the next request."""
    script = (saying(found(1) + found(666), found(667)), saying(found(2)))
    async with serving(*script) as server, asking(server.url) as heads:
        assert (await heads.ask("blobs/a")).info("a").size == 1
        assert (await heads.ask("blobs/b")).info("b").size == 2


async def test_an_answer_that_comes_later_again_is_not_taken() -> None:
    """So it is when the second one arrives while the connection is idle."""
    sent = trio.Event()

    async def talks_on(conversation: Conversation) -> None:
        await conversation.answer(found(1))
        await conversation.stream.send_all(found(666))
        sent.set()
        await conversation.hear()

    async with serving(talks_on, saying(found(2))) as server, asking(server.url) as heads:
        await heads.ask("blobs/a")
        await sent.wait()
        assert (await heads.ask("blobs/b")).info("b").size == 2


async def test_a_body_that_no_head_has_ends_the_connection() -> None:
    """Bytes after the answer to HEAD are not read as the next answer."""
    wrong = b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nwrong"
    async with (
        serving(saying(wrong, found(667)), saying(found(2))) as server,
        asking(server.url) as heads,
    ):
        assert (await heads.ask("blobs/a")).is_missing
        assert (await heads.ask("blobs/b")).info("b").size == 2


@pytest.mark.parametrize("told", ["Connection: close", "HTTP/1.0"])
async def test_a_store_that_keeps_no_connection_is_asked_on_others(told: str) -> None:
    """What it says of its connection is heeded."""
    answer = found(1, told.encode())
    if told == "HTTP/1.0":
        answer = found(1).replace(b"HTTP/1.1", b"HTTP/1.0")

    async def stays(conversation: Conversation) -> None:
        await conversation.answer(answer, found(666))

    async with serving(stays, saying(found(2))) as server, asking(server.url) as heads:
        await heads.ask("blobs/a")
        await server.conversations[0].ended.wait()
        assert (await heads.ask("blobs/a")).info("a").size == 2


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nETag: x\r\nConte"])
async def test_a_late_answer_is_none(begun: bytes) -> None:
    """A store that says nothing, or stops in the middle, has its time twice; both are closed."""

    async def stalls(conversation: Conversation) -> None:
        await conversation.answer(begun)
        await conversation.hear()

    async with serving(stalls) as server, asking(server.url, 0.05) as heads:
        with pytest.raises(NoAnswer, match="within"):
            await heads.ask("blobs/a")
        for conversation in server.conversations:
            await conversation.ended.wait()

    assert len(server.conversations) == 2


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"x-more: and more\r\n"),
        (b"HTTP/1.1 200 OK\r\nx-long: ", b"more " * 99),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 99),
        (b"What?\r\n\r\n", b"What?\r\n\r\n"),
    ],
    ids=["lines", "one line", "continue", "no http"],
)
async def test_an_answer_without_an_end_is_none(start: bytes, more: bytes) -> None:
    """It is given up once it is too long, however fast it comes."""
    sent = 0

    async def goes_on(conversation: Conversation) -> None:
        nonlocal sent
        await conversation.answer(start)
        while True:
            await conversation.stream.send_all(more)
            sent += len(more)

    with trio.fail_after(30):
        async with serving(goes_on) as server, asking(server.url, 20) as heads:
            with pytest.raises(NoAnswer):
                await heads.ask("blobs/a")
            for conversation in server.conversations:
                await conversation.ended.wait()


async def test_who_is_cancelled_leaves_no_connection() -> None:
    """Its answer is still to come, so the connection is closed; the next request has another."""

    async def stalls(conversation: Conversation) -> None:
        await conversation.hear()
        scope.cancel()
        await conversation.hear()

    async with serving(stalls, saying(found(2))) as server, asking(server.url) as heads:
        with trio.CancelScope() as scope:
            await heads.ask("blobs/a")
        assert scope.cancelled_caught
        await server.conversations[0].ended.wait()
        assert (await heads.ask("blobs/b")).info("b").size == 2


async def test_connections_are_bounded() -> None:
    """Ten at once take two connections, one after the other."""

    async def patient(conversation: Conversation) -> None:
        while await conversation.hear():
            await trio.testing.wait_all_tasks_blocked()
            await conversation.stream.send_all(found(1))

    async with (
        serving(patient) as server,
        asking(server.url, connections=2) as heads,
        trio.open_nursery() as nursery,
    ):
        for _ in range(10):
            nursery.start_soon(heads.ask, "blobs/a")

    assert len(server.conversations) == 2


async def test_a_connection_is_not_kept_for_long(mock_clock: MockClock) -> None:
    """One that was idle for a while is closed, not used: something on the way may forget it."""
    one = saying(found(1), found(666))
    async with serving(one, saying(found(2))) as server, asking(server.url) as heads:
        await heads.ask("blobs/a")
        mock_clock.jump(13)
        assert (await heads.ask("blobs/a")).info("a").size == 2
        await server.conversations[0].ended.wait()


async def test_nothing_is_left_open() -> None:
    """At the end the connections are closed, also one that comes back after it."""
    waits = trio.Event()

    async def slow(conversation: Conversation) -> None:
        await conversation.hear()
        await waits.wait()
        await conversation.stream.send_all(found(1))
        await conversation.hear()

    async with (
        serving(saying(found(1), found(1), found(666)), slow) as server,
        asking(server.url) as heads,
    ):
        async with trio.open_nursery() as nursery:
            await heads.ask("blobs/a")
            nursery.start_soon(heads.ask, "blobs/a")
            nursery.start_soon(heads.ask, "blobs/a")
            await trio.testing.wait_all_tasks_blocked()
            heads.close()
            waits.set()
        for conversation in server.conversations:
            await conversation.ended.wait()


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (b"403 Forbidden", r"objects\.credentials_file"),
        (b"500 Internal Server Error", "HTTP 500"),
        (b"503 Service Unavailable", "HTTP 503"),
    ],
)
async def test_what_is_neither_yes_nor_no_is_told_as_ever(status: bytes, said: str) -> None:
    """Every other answer is judged where those of all requests are, and names the setting."""
    answer = b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n"
    async with serving(saying(*[answer] * 9)) as server, aio.open_loop():
        options = options_for(server.url)
        async with _opened(options) as client, asking(server.url) as heads:
            store = S3ObjectStore(client, heads, options, SystemClock(), PROVEN)
            with pytest.raises(DependencyDown, match=said):
                await store.head("blobs/a")


async def test_no_answer_is_a_dependency_down(free_port: int) -> None:
    """Nobody is listening: nobody knows what the store holds."""
    options = options_for(f"http://127.0.0.1:{free_port}")
    async with aio.open_loop(), _opened(options) as client, asking(options.endpoint) as heads:
        store = S3ObjectStore(client, heads, options, SystemClock(), PROVEN)
        with pytest.raises(DependencyDown, match="object store") as caught:
            await store.head("blobs/a")

    assert caught.value.unknown


async def test_a_store_under_a_path_is_asked_there(objectd: str) -> None:
    """The signature is for the path that is sent: the real store takes it, also from a new one."""
    async with (
        aio.open_loop(),
        open_objects(options_for(objectd), SystemClock(), SystemIds()) as store,
        asking(objectd) as heads,
    ):
        assert await store.head("blobs/a b/ü") is None
        assert (await heads.ask("blobs/a b/ü")).status == 404


@pytest.mark.parametrize("is_trusted", [True, False], ids=["trusted", "stranger"])
async def test_a_store_behind_tls_is_who_it_says(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_trusted: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Whom botocore trusts is trusted here, and nobody else."""
    authority = trustme.CA()
    known = authority if is_trusted else trustme.CA()
    known.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)

    async def secured(conversation: Conversation) -> None:
        conversation.stream = trio.SSLStream(
            conversation.stream, context, server_side=True, https_compatible=True
        )
        await conversation.answer(found(1), found(2))

    async with serving(secured) as server, asking(server.named) as heads:
        if is_trusted:
            sizes = [(await heads.ask("blobs/a")).info("a").size for _ in range(2)]
            assert (sizes, len(server.conversations)) == ([1, 2], 1)
        else:
            with pytest.raises(NoAnswer, match="CERTIFICATE"):
                await heads.ask("blobs/a")
