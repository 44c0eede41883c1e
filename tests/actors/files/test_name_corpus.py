"""Awkward names: each has its verdict, in the rules and in a real folder."""

import hashlib
import unicodedata  # noqa: TID251 - a table that is not the one tested
from itertools import combinations
from typing import Any

import pytest

from bitvault.actors.files import contract as c
from bitvault.actors.files.contract import Target
from bitvault.actors.files.contract.portability import is_portable
from bitvault.actors.files.rules import names
from bitvault.actors.files.rules.names import name_key, parse_path, valid_name
from bitvault.kernel.paging import Page
from bitvault.kernel.refusal import Invalid, Refused
from tests.actors.files.conftest import World
from tests.actors.files.name_corpus import ACCEPTED, REFUSED, STRANGERS, TWINS, UNPORTABLE

KEPT = (*ACCEPTED, *UNPORTABLE)
KEYS_OF_UNICODE_3_2 = "de908ac2a01d8ad95e7e8d4137a24405fea67a85f5e7c4fbc15c539151bf47c9"
"""SHA-256 over the keys of every code point that Unicode 3.2 had."""


def verdict(name: str) -> str:
    """Return the rule that a name breaks, or nothing."""
    try:
        return "" if valid_name(name) else "?"
    except Refused as refused:
        refusal = refused.refusal
        assert isinstance(refusal, Invalid)
        return refusal.rule


@pytest.mark.requirement("X50")
def test_each_name_has_its_verdict() -> None:
    """Refused by the rule that is meant, or kept; and marked when Windows cannot hold it."""
    wrong = [name for name, word in REFUSED.items() if word not in verdict(name)]
    wrong += [name for name in KEPT if verdict(name)]
    wrong += [name for name in ACCEPTED if not is_portable(name)]
    wrong += [name for name in UNPORTABLE if is_portable(name)]

    assert [ascii(name[:40]) for name in wrong] == []
    assert len({*REFUSED, *KEPT}) == len(REFUSED) + len(KEPT) > 200


@pytest.mark.requirement("X50")
@pytest.mark.parametrize("twins", TWINS, ids=ascii)
def test_twins_have_one_key(twins: tuple[str, ...]) -> None:
    """However it is typed."""
    assert len({name_key(name) for name in twins}) == 1


@pytest.mark.parametrize("strangers", STRANGERS, ids=ascii)
def test_strangers_have_their_own_keys(strangers: tuple[str, ...]) -> None:
    """However alike they look."""
    assert [pair for pair in combinations(strangers, 2) if len({*map(name_key, pair)}) == 1] == []


def test_keys_are_those_that_are_stored() -> None:
    """Another Python, with another Unicode, makes the same keys: I13 holds over an upgrade."""
    old = unicodedata.ucd_3_2_0
    known = (chr(code) for code in range(0x110000) if old.category(chr(code)) not in {"Cn", "Cs"})
    digest = hashlib.sha256("\n".join(map(name_key, known)).encode()).hexdigest()

    assert digest == KEYS_OF_UNICODE_3_2


@pytest.mark.requirement("X50")
def test_a_huge_name_is_neither_looked_through_nor_kept() -> None:
    """What no NFC makes short enough costs nothing: no client can fill the cache with it."""
    size = names._broken_rule.cache_info().currsize
    assert "255" in verdict("y" * 10_000_000)
    assert names._broken_rule.cache_info().currsize == size


@pytest.mark.parametrize("name", ["x" * 16_384, "\u4e00/" * 4_097], ids=["ascii", "wide"])
def test_a_path_is_measured_in_bytes(name: str) -> None:
    """The bound is one of bytes, as the refusal says."""
    with pytest.raises(Refused) as refused:
        parse_path("/" + name)
    assert refused.value.refusal == Invalid("path", "must be at most 16384 bytes")


async def made(world: World, folder: str, wanted: list[str]) -> list[Any]:
    """Make folders of these names in a folder, in one batch."""
    parent = Target(path=folder)
    await world.apply(c.MakeFolder(parent))
    answers: list[Any] = await world.ask(
        c.Apply(world.caller(key=folder), tuple(c.MakeFolder(None, parent, n) for n in wanted))
    )
    return answers


async def test_a_folder_holds_what_is_kept(world: World) -> None:
    """Made, listed in the order of keys, found by path, renamed; and the same after a repeat."""
    wanted = list({name_key(name): name for name in KEPT}.values())
    answers = await made(world, "/kept", wanted)
    assert (
        await world.ask(
            c.Apply(
                world.caller(key="/kept"),
                tuple(c.MakeFolder(None, Target(path="/kept"), name) for name in wanted),
            )
        )
        == answers
    )

    nodes = [one.node for one in answers]
    assert [node.name for node in nodes] == [unicodedata.normalize("NFC", name) for name in wanted]
    page: Page[c.Node] = await world.ask(
        c.ListChildren(world.caller(), Target(path="/kept"), limit=1000)
    )
    assert list(page.items) == sorted(nodes, key=lambda node: name_key(node.name).encode())
    for name, node in zip(wanted, nodes, strict=True):
        found = await world.ask(c.GetNode(world.caller(), Target(path=f"/kept/{name}")))
        assert found == node
        moved = await world.apply(c.MoveNode(Target(node_id=node.node_id), name=name))
        assert moved.node.name == node.name


@pytest.mark.requirement("X50")
async def test_a_folder_refuses_what_is_not(world: World) -> None:
    """Each by the field that was wrong, and nothing is made."""
    answers = await made(world, "/none", list(REFUSED))

    assert [one for one in answers if not isinstance(one, Invalid) or one.field != "name"] == []
    page = await world.ask(c.ListChildren(world.caller(), Target(path="/none")))
    assert page.items == ()


@pytest.mark.requirement("X50")
async def test_a_folder_holds_one_of_twins(world: World) -> None:
    """The first is kept as it was typed; the others are told its name is taken."""
    for number, twins in enumerate(TWINS):
        first, *others = await made(world, f"/twins {number}", list(twins))
        assert first.node.name == unicodedata.normalize("NFC", twins[0])
        assert [one for one in others if not isinstance(one, c.NameTaken)] == []
    for number, strangers in enumerate(STRANGERS):
        answers = await made(world, f"/strangers {number}", list(strangers))
        assert [one for one in answers if not isinstance(one, c.Written)] == []
