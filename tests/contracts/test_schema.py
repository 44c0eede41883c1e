"""The page of messages is as the messages are, and it only grows."""

import json

import pytest

from bitvault.services import SERVICES
from tests.contracts.schema import Schema, faults_of, kept, renewed, schema_of

_BEFORE: Schema = {"node": {"name": "str", "size": "int =", "-> ": "list[str]"}}


def test_what_peers_and_stored_rows_rely_on_is_still_there() -> None:
    """Each sentence says what to do about one message that changed."""
    assert faults_of(kept(), schema_of(SERVICES)) == []


def test_the_page_is_the_golden_one() -> None:
    """After a change of a contract: ``make golden``."""
    assert kept() == schema_of(SERVICES)


def test_a_field_with_a_default_may_come() -> None:
    """So may a message, and a default for a field that had none: the page is renewed."""
    now = {"node": {"name": "str =", "colour": "str =", **_BEFORE["node"]}, "leaf": {"a": "int"}}

    assert faults_of(_BEFORE, now) == []
    assert json.loads(renewed(_BEFORE, now)) == now


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        ({}, "node: is gone; keep it, or if no peer"),
        ({"node": {**_BEFORE["node"], "colour": "str"}}, "node.colour: is new; give it a default."),
        ({"node": {**_BEFORE["node"], "name": "int"}}, "node.name: was 'str' and is 'int'; add"),
        ({"node": {**_BEFORE["node"], "size": "int"}}, "node.size: had a default; give it one"),
        ({"node": {**_BEFORE["node"], "-> ": "str"}}, "node.-> : was 'list[str]' and is"),
        ({"node": {"name": "str", "-> ": "list[str]"}}, "node.size: is gone; keep it, or"),
    ],
    ids=["removed", "new-without-default", "retyped", "default-lost", "answer", "field-removed"],
)
def test_what_breaks_a_peer_is_told_and_not_written(now: Schema, sentence: str) -> None:
    """One sentence says which field of which message, and what to do; the page stays."""
    [told] = faults_of(_BEFORE, now)

    assert told.startswith(sentence)
    with pytest.raises(SystemExit, match="node"):
        renewed(_BEFORE, now)
