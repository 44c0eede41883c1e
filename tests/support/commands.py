"""The command line as processes that are forked from one that has imported it.

Most of the time of a short command is its imports. Everything else is as in a process of its own:
arguments, environment, folder, standard streams, signals, and how the interpreter ends.
"""

import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from functools import cache
from importlib import import_module
from pathlib import Path

from attrs import frozen

from bitvault.cli import commands as commands_of_bitvault
from bitvault.cli.main import main

Result = subprocess.CompletedProcess[bytes]
_PIPE = 1 << 16
"""Bytes that a pipe takes before anybody reads."""
_LARGEST = 1 << 20
"""Bytes of arguments and environment at most."""
_LONGEST = 60
"""Seconds after which a command is ended by SIGALRM."""


@frozen
class Commands:
    """Runs commands on the server that listens at ``address``."""

    address: bytes
    server: "subprocess.Popen[bytes]"

    def run(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        stdin: bytes = b"",
    ) -> Result:
        """Run one to its end; return its code, negative for a signal, and all that it wrote."""
        given, giving = os.pipe()
        with (
            os.fdopen(given, "rb") as given_file,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
            closing(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)) as to_server,
        ):
            with os.fdopen(giving, "wb") as giving_file:
                assert len(stdin) <= _PIPE, "more than a pipe holds"
                giving_file.write(stdin)
            to_server.connect(self.address)
            to_server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LARGEST)
            asked = json.dumps([list(arguments), dict(environment), str(folder)])
            streams = [each.fileno() for each in (given_file, out, err)]
            socket.send_fds(to_server, [asked.encode()], streams)
            code = int(to_server.recv(16))
            out.seek(0)
            err.seek(0)
            return Result(list(arguments), code, out.read(), err.read())


@cache
def commands() -> Commands:
    """Start the server, which ends with this process: then its input does."""
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)) as listener:
        listener.bind("")  # Linux chooses an abstract address, see unix(7)
        listener.listen()
        code = f"from {__name__} import serve; serve({listener.fileno()})"
        server = subprocess.Popen(
            [sys.executable, "-c", code], pass_fds=[listener.fileno()], stdin=subprocess.PIPE
        )
        return Commands(listener.getsockname(), server)


def serve(descriptor: int) -> None:
    """Serve one command after the other; each is what a child of this process ends with."""
    _import_all()
    gc.freeze()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    listener = socket.socket(fileno=descriptor)
    while select.select([listener, sys.stdin], [], [])[0] == [listener]:
        caller, _ = listener.accept()
        message, streams, _, _ = socket.recv_fds(caller, _LARGEST, 3)
        if (child := os.fork()) == 0:
            break
        for each in streams:
            os.close(each)
        _, status = os.waitpid(child, 0)
        with suppress(OSError):
            caller.send(str(os.waitstatus_to_exitcode(status)).encode())
        caller.close()
    else:
        return
    listener.close()
    caller.close()
    _become(*json.loads(message), streams)
    main()


def _import_all() -> None:
    """Import what is imported once a command is chosen, or makes its first request."""
    import_module("httpcore")
    for each in Path(commands_of_bitvault.__file__).parent.glob("*.py"):
        import_module(f"{commands_of_bitvault.__name__}.{each.stem}")


def _become(
    arguments: list[str], environment: dict[str, str], folder: str, streams: list[int]
) -> None:
    for place, each in enumerate(streams):
        os.dup2(each, place)
        os.close(each)
    signal.alarm(_LONGEST)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["bitvault", *arguments]
