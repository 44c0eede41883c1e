"""What is installed is what was looked at."""

import json
import re

import pytest

from tests.security.page import ROOT


@pytest.mark.requirement("X65")
@pytest.mark.parametrize("name", ["run.txt", "dev.txt"])
def test_every_dependency_is_pinned_by_hash(name: str) -> None:
    """One version each, and the digests of the files it may be installed from."""
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", re.sub(r"(?m)^#.*\n", "", text).strip())
    assert len(entries) > 20
    for entry in entries:
        assert re.match(r"[\w.\[\]-]+==[\w.!+]+", entry), entry
        assert "--hash=sha256:" in entry, entry


@pytest.mark.requirement("X65")
def test_what_the_tests_take_from_npm_is_pinned_too() -> None:
    """Each package has the digest of its archive."""
    lock = json.loads((ROOT / "tests/identity_provider/package-lock.json").read_text())
    packages = [one for path, one in lock["packages"].items() if path]
    assert packages
    assert all(one["integrity"].startswith("sha512-") for one in packages)
