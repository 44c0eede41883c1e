"""Root on a folder that another user prepared: nothing is written where that user's links lead."""

import os
from pathlib import Path

import pytest

from bitvault.daemon.folder import FolderError, held, secret_file

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="about what root does")
_USER = 64017


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """Return a folder of root's with a file."""
    victim = tmp_path / "victim"
    victim.mkdir(mode=0o755)
    (victim / "admin-password").write_text("kept")
    return victim


@root_only
@pytest.mark.parametrize("name", [".", "objects", "objects/lock", "bitvaultd.lock", "secrets-key"])
def test_a_users_links_are_refused(tmp_path: Path, victim: Path, name: str) -> None:
    """One line names the link, and nothing changes where it leads."""
    data = tmp_path / "data"
    link = data / name
    link.parent.mkdir(parents=True, exist_ok=True)
    if name != ".":
        (data / "admin-password").touch()
    link.symlink_to(victim)
    os.chown(link, _USER, _USER, follow_symlinks=False)
    with pytest.raises(FolderError, match=f"{link} is a link of {_USER}"), held(data):
        pass
    assert victim.stat().st_mode & 0o777 == 0o755
    assert [entry.name for entry in victim.iterdir()] == ["admin-password"]


@root_only
def test_roots_own_links_are_followed(tmp_path: Path) -> None:
    """Whoever administers the machine may put the objects on another disk."""
    data, disk = tmp_path / "data", tmp_path / "disk"
    data.mkdir()
    disk.mkdir()
    (data / "admin-password").touch()
    (data / "objects").symlink_to(disk)
    with held(data):
        assert (data / "bitvaultd.lock").exists()


@root_only
def test_a_folder_of_a_user_serves_root(tmp_path: Path) -> None:
    """Without links there is nothing to refuse: it goes from one to the other as it is."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "admin-password").touch()
    for path in (data, data / "admin-password"):
        os.chown(path, _USER, _USER)
    with held(data) as path:
        assert path == data


def test_a_secret_is_written_through_no_link(tmp_path: Path, victim: Path) -> None:
    """A link in the place of the draft, or of the file, is replaced."""
    secret = tmp_path / "secret"
    secret.symlink_to(victim / "admin-password")
    (tmp_path / "secret.new").symlink_to(victim / "admin-password")
    secret_file(secret, "new")
    assert (victim / "admin-password").read_text() == "kept"
    assert secret.read_text() == "new"
    assert not secret.is_symlink()
    assert secret.stat().st_mode & 0o077 == 0
