"""What the daemon says when it leaves, and that it leaves."""

import pytest

from bitvault.daemon.program import _complain
from bitvault.kernel.refusal import DependencyDown
from supervisors import GaveUp


def test_a_cause_that_leads_to_itself_is_followed_once(capsys: pytest.CaptureFixture[str]) -> None:
    """The daemon said nothing and span for ever, where it should have ended with a line."""
    gave_up, bug = GaveUp("root", "rooms needed too many restarts"), ValueError("a bug")
    gave_up.__cause__, bug.__cause__ = bug, bug

    assert _complain(ExceptionGroup("", [gave_up])) == 1

    assert capsys.readouterr().err.startswith("bitvaultd: root gave up: rooms needed")


def test_what_is_down_is_named_wherever_it_is_in_the_chain(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By the setting that leads there."""
    gave_up = GaveUp("root", "drivers needed too many restarts")
    gave_up.__cause__ = DependencyDown("postgresql", "no answer")

    assert _complain(gave_up) == 1

    assert "database.url" in capsys.readouterr().err
