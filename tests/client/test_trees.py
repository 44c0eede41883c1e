"""Trees go up so that a second run has little to do, and nothing is merged in silence."""

import unicodedata
from pathlib import Path

import pytest

from bitvault.actors.files.rules import names as server
from bitvault.client.errors import NamesCollide
from bitvault.client.names import name_key, path_key, twins
from bitvault.client.trees import TreeUpload
from bitvault.client.uploads import Uploader
from tests.client.control_plane import ControlPlane


@pytest.mark.parametrize("name", ["FAQ.html", "Straße", "u\u0308ber", "İ", "\u1e9b\u0323", "ﬁ"])
def test_names_are_compared_as_the_server_does(name: str) -> None:
    """The rule is written twice, because the SDK ships alone; it is one rule."""
    assert name_key(name) == server.name_key(name)


def test_a_path_has_the_key_of_its_names() -> None:
    """Twins know each other; a name alone is nobody's."""
    assert path_key("A/ü") == "a/ü"
    assert twins(["a", "A", "b"]) == {"a": ["A"], "A": ["a"]}


@pytest.mark.parametrize("if_exists", ["fail", "replace", "rename", "skip"])
def test_names_that_are_one_there_are_not_sent(
    uploader: Uploader, control: ControlPlane, tmp_path: Path, if_exists: str
) -> None:
    """Files and folders that differ in case or composition fail, each naming the other."""
    root = tmp_path / "tree"
    (root / "Docs").mkdir(parents=True)
    (root / "docs").mkdir()
    composed, decomposed = (unicodedata.normalize(form, "ü") for form in ("NFC", "NFD"))
    for name in ("FAQ.html", "faq.html", composed, decomposed, "Docs/a", "docs/b", "alone"):
        (root / name).write_text(name)
    done = TreeUpload(uploader, "/t", if_exists).run(root)
    missed = {miss.path: str(miss.error) for miss in done.missed}
    assert set(missed) == {"FAQ.html", "faq.html", composed, decomposed, "Docs", "docs"}
    assert all(isinstance(miss.error, NamesCollide) for miss in done.missed)
    assert "'FAQ.html'" in missed["faq.html"]
    assert [path for path in control.nodes if path.startswith("/t/")] == ["/t/alone"]
