"""Daemons that a test may stop, kill and start again."""

from collections.abc import Iterator

import pytest

from tests.support.daemon import Daemon, open_folder


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """Have a daemon that has not started, in a folder of its own."""
    with open_folder() as folder:
        daemon = Daemon(folder)
        yield daemon
        daemon.stop()
