"""The embedded object store: a program of its own (ADR-0012), and where it says that it listens."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import trio
from attrs import define, field

from bitvault.kernel.addresses import Network
from supervisors import Command, RunningProcess

_SAYS_WHERE = '{"event": "listening"'


@define(eq=False)
class EmbeddedStore:
    """How to run the store on a data folder, and to wait for it."""

    data: Path
    """Of the daemon: objects, keys and pid file lie in it."""
    listen: str
    bucket: str
    region: str
    origins: Sequence[str]
    proxies: Sequence[Network]
    """Held to no share of the connections."""
    on_listening: Callable[[str], None]
    """Gets the store's URL."""
    pass_on: Callable[[str], None]
    """Gets every other line it writes."""
    _said: trio.Event = field(factory=trio.Event, init=False)

    @property
    def pidfile(self) -> Path:
        """Where ``supervisors.process`` notes what it started."""
        return self.data / "objectd.pid"

    def command(self) -> Command:
        """Say what to run, and wait for a new announcement."""
        self._said = trio.Event()
        arguments = [
            sys.executable,
            "-m",
            "bitvault.objectd",
            f"--data={self.data / 'objects'}",
            f"--listen={self.listen}",
            f"--credentials={self.data / 'objectd-credentials.json'}",
            f"--bucket={self.bucket}",
            f"--region={self.region}",
            *(f"--cors-origin={origin.strip()}" for origin in self.origins),
            *(f"--trusted-proxy={network}" for network in self.proxies),
        ]
        return Command(arguments, env=dict(os.environ))

    def read(self, line: str) -> None:
        """Take the line in which the store says where it listens, or pass any other on."""
        if not line.startswith(_SAYS_WHERE):
            self.pass_on(line)
            return
        address = json.loads(line)["address"]
        self.on_listening(address if "://" in address else f"http://{address}")
        self._said.set()

    async def ready(self, _process: RunningProcess) -> None:
        """Return once the store listens."""
        await self._said.wait()
