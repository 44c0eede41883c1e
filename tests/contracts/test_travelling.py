"""Every message of every contract goes through the codec, and comes back as it was."""

import json
from collections.abc import Iterator
from typing import Any, ClassVar
from uuid import UUID

import pytest

from bitvault.actors.files import contract as files
from bitvault.kernel.codec import PLAIN, NotUnderstood, answer_of, choices_of, class_of, parts_of
from bitvault.kernel.ids import NodeId
from bitvault.kernel.refusal import Refusal
from bitvault.kernel.request import Request
from bitvault.kernel.tags import TAGS, TagTaken, tags_of
from bitvault.remote import codec_of
from bitvault.services import SERVICES
from tests.architecture.toyhouse.toy import contract as toy
from tests.contracts.samples import samples

TAGGED = tags_of(one.contract for one in SERVICES)
CODEC = codec_of(SERVICES)
REFUSALS = [kind for kind in TAGGED.values() if issubclass(kind, Refusal)]


def _messages() -> Iterator[tuple[str, Any]]:
    for tag, kind in TAGGED.items():
        if issubclass(kind, Request):
            yield tag, kind
            yield f"answer to {tag}", answer_of(kind)
        elif issubclass(kind, Refusal):
            yield tag, kind
    for service in SERVICES:
        yield from ((event.kind, event) for event in service.events)


MESSAGES = dict(_messages())


@pytest.mark.parametrize("kind", MESSAGES.values(), ids=MESSAGES)
def test_a_message_comes_back_as_it_went(kind: Any) -> None:
    """Every request, reply, refusal and event, with each choice and each end of its fields."""
    values = samples(kind, REFUSALS)

    assert values
    for value in values:
        back = CODEC.decode(CODEC.encode(value, kind), kind)
        assert (type(back), back) == (type(value), value)


def test_nothing_that_travels_is_without_a_tag() -> None:
    """All requests, all refusals, and all classes of which a union tells which it has."""
    tagged = set(TAGGED.values())
    needed = {request for one in SERVICES for request in one.handles}
    needed |= {kind for one in SERVICES for kind in vars(one.contract).values() if _refuses(kind)}
    for kind in [part for one in MESSAGES.values() for part in parts_of(one)]:
        if len(choices_of(kind)) > 1:
            needed |= {class_of(one) for one in choices_of(kind)}

    plain = {
        one for one in needed if one in PLAIN.values() or issubclass(one, tuple(PLAIN.values()))
    }
    assert needed - tagged - plain - {Refusal} == set()


def _refuses(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Refusal)


def test_no_tag_is_there_twice() -> None:
    """Neither for two classes, nor for one class under two names, nor for a plain value's."""
    tags = [tag for one in SERVICES for tag in getattr(one.contract, "TAGS", {})]
    tags += [*TAGS, *PLAIN]
    assert sorted(tags) == sorted(set(tags))
    assert len(TAGGED) == len(set(TAGGED.values()))
    assert not set(PLAIN) & set(TAGGED)
    with pytest.raises(TagTaken, match="make_toy"):
        tags_of([toy, _Twice])  # type: ignore[list-item]  # by shape


class _Twice:
    TAGS: ClassVar = {"make_toy": files.GetNode}


def test_the_request_of_another_version_is_understood() -> None:
    """What a newer one adds is passed over; what an older one does not know has its default."""
    target = files.Target(node_id=NodeId(UUID(int=1)))
    newer = {"node_id": str(UUID(int=1)), "colour": "blue"}

    assert CODEC.decode(json.dumps(newer).encode(), files.Target) == target
    moved = {"trash_node": {"target": newer, "taste": "sour"}}
    back = CODEC.decode(json.dumps(moved).encode(), files.Operation)
    assert back == files.TrashNode(target)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"null", b"{}", b'{"written": {}}', b'{"written": null}', b'{"nothing": {}}',
        b'{"node_not_found": {"target": 1}}', b'{"node_not_found": {"target": "a"}, "other": {}}',
        b'{"int": 1}', b"\xff", b"[" * 2000,
    ],
)  # fmt: skip
def test_what_is_no_message_is_not_understood(data: bytes) -> None:
    """A wrong shape, a wrong type or an unknown tag is an error of one kind, whatever it is."""
    with pytest.raises(NotUnderstood):
        CODEC.decode(data, files.Written | Refusal)
