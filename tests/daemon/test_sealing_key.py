"""The key that stored secrets are sealed with."""

from pathlib import Path

import pytest

from bitvault.daemon.folder import FolderError, sealing_key


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    """The next start reads the same."""
    made = sealing_key(tmp_path, "")
    assert len(made) == 32
    assert sealing_key(tmp_path, "") == made
    assert (tmp_path / "secrets-key").stat().st_mode & 0o077 == 0
    assert sealing_key(tmp_path / "other", str(tmp_path / "secrets-key")) == made


@pytest.mark.parametrize("text", ["", "00", "z" * 64, "00" * 33])
def test_what_is_no_key_is_refused_by_the_name_of_the_setting(tmp_path: Path, text: str) -> None:
    """And never made up anew over what is there: sealed secrets would be lost."""
    path = tmp_path / "secrets-key"
    path.write_text(text)
    for given in ("", str(path)):
        with pytest.raises(FolderError, match=r"server\.secrets_key_file"):
            sealing_key(tmp_path, given)
    assert path.read_text() == text
    with pytest.raises(FolderError, match=r"server\.secrets_key_file"):
        sealing_key(tmp_path, str(tmp_path / "missing"))
