"""The edge in a tree, on a real socket."""

import socket

import attrs
import httpx
import pytest
import trio

from bitvault.http.child import bind, http_child
from bitvault.kernel.settings import SettingError
from supervisors import Flags, run_tree, supervisor
from tests.http.support.rooms import ID, TAG, TOKEN, World


@attrs.define
class Served:
    """Where the edge listens, and how to stop it."""

    url: str = ""
    stop: trio.Event = attrs.field(factory=trio.Event)


async def serve(world: World, nursery: trio.Nursery) -> Served:
    """Start a tree with the edge alone."""
    served = Served()

    def listening(url: str) -> None:
        served.url = url

    child = http_child(lambda _tree: world.app, "127.0.0.1:0", on_listening=listening)

    async def run(task_status: trio.TaskStatus[object]) -> None:  # noqa: ASYNC128 - passed on
        tree = supervisor("root", Flags(), [child])
        await run_tree(tree, stop=served.stop, task_status=task_status)

    await nursery.start(run)
    return served


async def test_it_answers_from_start_to_polite_stop(world: World) -> None:
    """Once the tree has started the URL answers; once it has stopped nobody listens."""
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery, httpx.AsyncClient(timeout=5) as client:
            served = await serve(world, nursery)
            headers = {"Authorization": f"Bearer {TOKEN}"}
            answer = await client.get(f"{served.url}/v1/me", headers=headers)
            assert (answer.status_code, answer.json()["login"]) == (200, "ann")
            assert (await client.get(f"{served.url}/v1/status")).status_code == 200
            served.stop.set()
    with pytest.raises(OSError, match="connect"):
        await trio.open_tcp_stream("127.0.0.1", int(served.url.rpartition(":")[2]))


async def test_head_and_options_have_headers_alone(world: World) -> None:
    """HEAD says what GET would; OPTIONS names the methods, needs no token, and asks no room."""
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery, httpx.AsyncClient(timeout=5) as client:
            served = await serve(world, nursery)
            url, headers = f"{served.url}/v1/files/{ID}", {"Authorization": f"Bearer {TOKEN}"}
            get = await client.get(url, headers=headers)
            head = await client.head(url, headers=headers)
            asked = len(world.room.asked)
            options = await client.options(url)
            served.stop.set()
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", TAG)
    assert head.headers["content-length"] == get.headers["content-length"]
    assert (options.status_code, options.content) == (204, b"")
    assert options.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH"
    assert not {"content-length", "content-type"} & set(options.headers)
    assert len(world.room.asked) == asked


async def test_a_port_in_use_is_named_with_its_setting() -> None:
    """The message is one line for the person who starts the daemon."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(SettingError, match=rf"server\.listen: {listen} is in use"):
            bind(listen)


SMUGGLED = {
    "length and chunked": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
    "two lengths": b"Content-Length: 4\r\nContent-Length: 5\r\n",
    "negative length": b"Content-Length: -1\r\n",
    "odd encoding": b"Transfer-Encoding: xchunked\r\n",
    "space before colon": b"Content-Length : 4\r\n",
    "head too large": b"X-Large: " + b"a" * 70_000 + b"\r\n",
}


@pytest.mark.requirement("X68")
@pytest.mark.parametrize("head", SMUGGLED.values(), ids=list(SMUGGLED))
async def test_ambiguous_framing_is_refused(world: World, head: bytes) -> None:
    """No request is made of bytes whose end two servers could see differently."""
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            served = await serve(world, nursery)
            stream = await trio.open_tcp_stream("127.0.0.1", int(served.url.rpartition(":")[2]))
            start = b"POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            await stream.send_all(start + head + b"\r\n0\r\n\r\n")
            answer = await stream.receive_some(4096)
            await stream.aclose()
            served.stop.set()
    assert answer[9:10] in {b"4", b"5", b""}
    assert world.room.asked == []
