"""The command line as a process, against the transfer contract."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.client.conftest import control, large, store
from tests.client.control_plane import ControlPlane

__all__ = ["control", "large", "store"]

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def environment(control: ControlPlane, tmp_path: Path) -> Mapping[str, str]:
    """Point configuration and state at the test's own folder."""
    return {
        **os.environ,
        "BITVAULT_SERVER": control.url,
        "BITVAULT_TOKEN": "bv_test",
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }


@pytest.fixture
def bitvault(environment: Mapping[str, str], tmp_path: Path) -> Run:
    """Run ``bitvault`` with arguments; ``env`` changes the environment, ``stdin`` is bytes."""

    def run(
        *arguments: object, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[bytes]":
        command = [*program(), *map(str, arguments)]
        return subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            check=False,
            cwd=tmp_path,
            timeout=60,
            env={**environment, **(env or {})},
        )

    return run


def program() -> list[str]:
    """Return the command that starts the command line, open to Ctrl-C even in a background job."""
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    return [sys.executable, "-c", f"{heed}; from bitvault.cli.main import main; main()"]
