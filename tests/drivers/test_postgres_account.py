"""What root does in a folder that PostgreSQL's account owns: nothing beyond that folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bitvault.drivers.postgres.account import Account, EmbeddedError, take_over
from bitvault.drivers.postgres.embedded import Embedded, prepare

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="about what root does")
_USER = 65534
_ACCOUNT = Account(_USER, _USER)
# Python announces each chown to audit hooks before it does it: the worst moment to replace a name.
_REPLACED_IN_BETWEEN = """
import os, shutil, sys
from pathlib import Path
from bitvault.drivers.postgres.account import Account, make_folder, take_over

target, victim = Path(sys.argv[1]), Path(sys.argv[2])

def replace(event, _):
    if event == "os.chown" and target.exists() and not target.is_symlink():
        target.rename(target.with_name(f"moved-{target.name}"))
        target.symlink_to(victim) if victim.is_dir() else target.hardlink_to(victim)

sys.addaudithook(replace)
"""


def replaced_in_between(target: Path, victim: Path, call: str) -> None:
    """Make a call while somebody replaces ``target`` by another name of ``victim``."""
    script = f"{_REPLACED_IN_BETWEEN}\n{call}"
    subprocess.run([sys.executable, "-c", script, target, victim], check=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that is the account's."""
    folder = tmp_path / "postgres"
    folder.mkdir(mode=0o700)
    os.chown(folder, _USER, _USER)
    return folder


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """Return a folder of root's that everybody may read, and that looks like data."""
    victim = tmp_path / "victim"
    victim.mkdir(mode=0o755)
    (victim / "PG_VERSION").write_text("18\n")
    return victim


def unchanged(victim: Path) -> bool:
    """Return whether the folder is as it was made."""
    found = victim.stat()
    return (found.st_uid, found.st_mode & 0o777) == (0, 0o755)


@pytest.mark.parametrize("owner", [0, _USER], ids=["root's link", "the account's link"])
@pytest.mark.parametrize("name", [".", "data"])
def test_a_link_is_refused(folder: Path, victim: Path, name: str, owner: int) -> None:
    """Root neither takes a folder over through a link nor shuts it; one line names the link."""
    link = folder / name
    if name == ".":
        folder.rmdir()
    link.symlink_to(victim)
    os.chown(link, owner, owner, follow_symlinks=False)
    with pytest.raises(EmbeddedError, match=f"{link} is a link"):
        prepare(folder, sync=False)
    with pytest.raises(EmbeddedError, match=f"{link} is a link"):
        take_over(folder, _ACCOUNT)
    assert unchanged(victim)


def test_links_in_a_copy_are_not_followed(folder: Path, victim: Path) -> None:
    """What is given to the account is the copy, and not what it points to."""
    (folder / "data" / "base").mkdir(parents=True)
    (folder / "data" / "base" / "link").symlink_to(victim)
    (folder / "data" / "base" / "other").symlink_to(victim / "PG_VERSION")
    (folder / "data" / "base" / "second").hardlink_to(victim / "PG_VERSION")
    take_over(folder, _ACCOUNT)
    assert (folder / "data" / "base").stat().st_uid == _USER
    assert (victim / "PG_VERSION").stat().st_uid == 0
    assert unchanged(victim)


def test_a_file_replaced_while_it_is_given_is_not_given(folder: Path, victim: Path) -> None:
    """A second name for a file of root's, put in place after the look, gives nothing away."""
    file = folder / "data" / "base" / "file"
    file.parent.mkdir(parents=True)
    file.touch()
    call = f"take_over(Path({str(folder)!r}), Account({_USER}, {_USER}))"
    replaced_in_between(file, victim / "PG_VERSION", call)
    assert file.samefile(victim / "PG_VERSION")
    assert file.stat().st_uid == 0


def test_a_folder_replaced_while_it_is_made_is_not_given(folder: Path, victim: Path) -> None:
    """The account gets the folder that was made, and not what it put there in between."""
    fresh = folder / "data.new"
    replaced_in_between(fresh, victim, f"make_folder(target, Account({_USER}, {_USER}))")
    assert fresh.is_symlink()
    assert fresh.with_name("moved-data.new").stat().st_uid == _USER
    assert unchanged(victim)


def test_the_pidfile_is_outside_of_the_folder(folder: Path) -> None:
    """Root ends what the pidfile names, so it does not lie where the account writes."""
    server = Embedded(folder, Path("/"), _ACCOUNT, {})
    assert not server.pidfile.is_relative_to(folder)
    assert server.pidfile.parent == folder.parent
