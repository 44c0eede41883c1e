"""The data folder: one daemon at a time, and the secrets that everything embedded shares."""

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

from bitvault.drivers.postgres.account import can_change_accounts, foreign_owner, name_of

_OURS = ("bitvaultd.lock", "postgres", "object-store-keys.json", "admin-password")
"""Any of them makes a folder one of BitVault's, restored from a backup, say."""
_NOBODYS = ("lost+found",)
_LOCK = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
_KEY_BYTES = 32
_KEYS = ("server", "read", "write")
_PARTS = ("accessKeyId", "secretAccessKey")


class FolderError(Exception):
    """The data folder cannot be used; the message says why and what to do."""


@contextmanager
def held(path: Path) -> Iterator[Path]:
    """Create the data folder and hold its lock; yields its absolute path.

    The folder is searchable by others, because the embedded PostgreSQL may run as another user;
    everything in it that matters is not readable by others.

    Raises:
        FolderError: It cannot be written, holds what is not BitVault's, or another daemon holds it.
    """
    path = path.absolute()
    try:
        _check_contents(path)
        _check_links(path)
        _check_owners(path)
        path.mkdir(parents=True, exist_ok=True)
        if path.stat().st_uid == os.geteuid() or can_change_accounts():
            path.chmod(0o711)
        lock = os.open(path / "bitvaultd.lock", _LOCK, 0o600)
    except OSError as error:
        raise FolderError(f"server.data: {_closed(path, error)}") from error
    try:
        _take(lock, path)
        yield path
    finally:
        os.close(lock)


def _check_contents(path: Path) -> None:
    """Refuse a folder of somebody else's files: a slip of ``--data`` must not end among them."""
    names = {entry.name for entry in path.iterdir()} if path.is_dir() else set()
    foreign = sorted(name for name in names if name not in _NOBODYS and not name.startswith("."))
    if foreign and not names.intersection(_OURS):
        why = f"server.data: {path} holds files that are not BitVault's ({foreign[0]})"
        raise FolderError(f"{why}; choose an empty folder, or a new one, with --data")


def _check_owners(path: Path) -> None:
    """Refuse what an earlier start as somebody else, or a copy, has left to another account.

    Root goes through everything, and hands PostgreSQL its part itself.
    """
    if can_change_accounts() or not path.is_dir():
        return
    for entry in (*path.iterdir(), *path.glob("*/*")):
        mounted = entry.name in _NOBODYS or entry.is_mount()
        if not mounted and entry.lstat().st_uid != os.geteuid():
            raise FolderError(f"server.data: {foreign_owner(entry, path)}")


def _check_links(path: Path) -> None:
    """Refuse, as root, links that somebody else made: root would write where they lead."""
    if os.geteuid() != 0:
        return
    inside = (*path.iterdir(), *path.glob("*/*")) if path.is_dir() else ()
    for entry in (path, *inside):
        if entry.is_symlink() and entry.lstat().st_uid != 0:
            raise FolderError(
                f"server.data: {entry} is a link of {name_of(entry.lstat().st_uid)}, which "
                f"bitvaultd does not follow as root: remove it, or say chown -h root {entry}"
            )


def _closed(path: Path, error: OSError) -> str:
    """Say why the folder cannot be used: as a rule it belongs to another account."""
    place = Path(error.filename or path)
    why = f"{path} is not writable ({error.strerror})"
    if isinstance(error, PermissionError) and place.is_relative_to(path) and os.path.lexists(place):
        why = foreign_owner(place, path) if place.lstat().st_uid != os.geteuid() else why
    return f"{why}; choose another folder with --data"


def _take(lock: int, path: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        why = f"server.data: another bitvaultd runs in {path}"
        raise FolderError(f"{why}; stop it, or choose another folder with --data") from error


def secret_file(path: Path, content: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def installation_id(data: Path) -> UUID:
    """Return what other daemons on one database know this one by: the same at each start."""
    return uuid5(NAMESPACE_URL, f"bitvault://{socket.gethostname()}{data.resolve()}")


def store_keys(path: Path) -> Mapping[str, Mapping[str, str]]:
    """Return the embedded store's keys by role, made up at the first start.

    ``server`` may do everything; ``read`` and ``write`` are the only ones that appear in
    presigned URLs, and may do nothing but GET, or PUT.
    """
    if not path.exists():
        made = {
            name: {
                "accessKeyId": f"BV{name.upper()}{secrets.token_hex(6).upper()}",
                "secretAccessKey": secrets.token_urlsafe(32),
            }
            for name in _KEYS
        }
        secret_file(path, json.dumps(made, indent=2) + "\n")
    return read_keys(path)


def read_keys(path: Path) -> Mapping[str, Mapping[str, str]]:
    """Read a credentials file; ``read`` and ``write`` default to ``server``.

    Raises:
        FolderError: It cannot be read, or lacks the server's key.
    """
    try:
        keys = json.loads(path.read_text(encoding="utf-8"))
        given = {role: keys.get(role, keys["server"]) for role in _KEYS}
        return {role: {name: str(key[name]) for name in _PARTS} for role, key in given.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        shape = '{"server": {"accessKeyId": …, "secretAccessKey": …}, "read": …, "write": …}'
        raise FolderError(f"objects.credentials_file: {path} must be JSON like {shape}") from error


def sealing_key(data: Path, given: str) -> bytes:
    """Return the key that stored secrets are sealed with, made up at the first start.

    Args:
        data: The data folder.
        given: ``server.secrets_key_file``; several daemons on one database share it.

    Raises:
        FolderError: The file cannot be read, or holds no key.
    """
    path = Path(given) if given else data / "secrets-key"
    try:
        if not given and not path.exists():
            secret_file(path, secrets.token_hex(_KEY_BYTES) + "\n")
        key = bytes.fromhex(path.read_text(encoding="utf-8").strip())
    except (OSError, ValueError) as error:
        raise FolderError(f"server.secrets_key_file: {path} must hold 64 hex digits") from error
    if len(key) != _KEY_BYTES:
        raise FolderError(f"server.secrets_key_file: {path} must hold 64 hex digits")
    return key
