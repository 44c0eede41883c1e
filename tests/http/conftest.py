"""Fixtures of the edge's tests."""

import pytest

from tests.http.support.rooms import World


@pytest.fixture
def world() -> World:
    """Return an edge whose rooms say yes."""
    return World()
