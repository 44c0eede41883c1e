"""Whom the embedded PostgreSQL runs as: it refuses to be root, and initdb to be without a name.

Root hands the server to an unprivileged account, that of the data if they have one. Where root
lacks the capabilities for that, as in a container that dropped them, the server gets a user
namespace of its own without any mapping: it sees itself and its files as the overflow user, which
is not root, and outside nothing changes. Anybody else runs it as they are.
"""

import ctypes
import os
import pwd
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

_ACCOUNTS = ("bitvault", "postgres", "nobody")
_NEEDED = (0, 1, 3, 5, 6, 7)
"""CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_KILL, CAP_SETGID, CAP_SETUID: capabilities(7)."""
_CLONE_NEWUSER = 0x10000000
_LIBC = ctypes.CDLL(None, use_errno=True)
_TOP = ("", "PG_VERSION", "base", "global", "pg_wal", "postgresql.conf")
_SECONDS = 30
_OTHERS = 0o027
"""PostgreSQL takes a data folder that is its account's alone, or its group's to read."""


class EmbeddedError(Exception):
    """The embedded server cannot be set up here; the message says what to do."""


@frozen
class Account:
    """Whom the server runs as; by default as the daemon itself.

    Attributes:
        user: User id to change to, which takes the capabilities of root.
        group: Group id to change to.
        is_isolated: Whether it gets a user namespace of its own.
    """

    user: int | None = None
    group: int | None = None
    is_isolated: bool = False

    def options(self) -> dict[str, Any]:
        """Return what ``subprocess`` needs to run something as this account."""
        if self.is_isolated:
            return {"preexec_fn": isolate}
        if self.user is None:
            return {}
        return {"user": self.user, "group": self.group, "extra_groups": []}

    @property
    def owner(self) -> int:
        """The user id that the server's files belong to."""
        return os.geteuid() if self.user is None else self.user

    @property
    def owners_group(self) -> int:
        """The group id that the server's files belong to."""
        return os.getegid() if self.group is None else self.group


_ITSELF = Account()
_ISOLATED = Account(is_isolated=True)


def isolate() -> None:
    """Leave the user namespace; for the time between fork and exec.

    Raises:
        OSError: it is not permitted here.
    """
    if _LIBC.unshare(_CLONE_NEWUSER):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def account_for(folder: Path, programs: Path) -> Account:
    """Choose whom a server on ``folder`` runs as.

    Raises:
        EmbeddedError: there is no way here to run it.
    """
    if os.geteuid() != 0:
        needs_name = name_of(os.geteuid()) == str(os.geteuid())
        return _ISOLATED if needs_name and can_run(programs, _ISOLATED) else _ITSELF
    account = (_owner(folder / "data") or _named()) if can_change_accounts() else None
    if account and _takes(folder, account):
        return account
    if can_run(programs, _ISOLATED):
        return _ISOLATED
    raise EmbeddedError(
        "PostgreSQL does not run as root, and root may neither run it as another account here "
        "(CAP_SETUID and what else a container has by default) nor in a user namespace: "
        "start bitvaultd as another user (docker run --user 1000:1000), or set database.url"
    )


def can_change_accounts() -> bool:
    """Return whether this is root with what it takes to run something as somebody else."""
    if os.geteuid() != 0:
        return False
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        effective = int(status.split("CapEff:")[1].split()[0], 16)
    except (OSError, IndexError):
        return True  # no Linux: root is root
    return all(effective >> number & 1 for number in _NEEDED)


def name_of(user: int) -> str:
    """Return the name of an account, or its number."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def take_over(folder: Path, account: Account) -> None:
    """See to it that the account can work in ``folder``, or say what is in its way.

    A copy that root made of the folder belongs to root: it is given to the account.

    Raises:
        EmbeddedError: naming what belongs to somebody else, and the command that mends it.
    """
    data = folder / "data"
    if os.path.lexists(data):
        os.close(_opened(data))
    if foreign := next(_foreign(folder, data, account.owner), None):
        if account.user is None:
            raise EmbeddedError(foreign_owner(foreign, folder))
        _give(folder, account)
    _shut(folder, account, 0o077)
    if os.path.lexists(data):
        _shut(data, account, _OTHERS)


def make_folder(path: Path, account: Account) -> None:
    """Make an empty folder of the account's, in one that it may write.

    Raises:
        EmbeddedError: something else took its place.
    """
    path.mkdir(mode=0o700)
    handle = _opened(path)
    try:
        found = os.fstat(handle)
        if found.st_uid != os.geteuid() or os.listdir(handle):  # noqa: PTH208 - a handle
            raise EmbeddedError(f"{path} was replaced while it was made: start again")
        if account.user is not None:
            os.fchown(handle, account.owner, account.owners_group)
    finally:
        os.close(handle)


def _shut(path: Path, account: Account, most: int) -> None:
    """Take the rights in ``most`` from everybody but the account, whose folder it is."""
    handle = _opened(path)
    try:
        found = os.fstat(handle)
        if found.st_uid != account.owner:
            raise EmbeddedError(foreign_owner(path, path.parent))
        if found.st_mode & most or ~found.st_mode & stat.S_IRWXU:
            os.fchmod(handle, 0o700)
    finally:
        os.close(handle)


def _opened(path: Path) -> int:
    """Open a folder; as root only the folder itself, since others may write where it lies.

    Raises:
        EmbeddedError: it is a link.
    """
    only = os.O_NOFOLLOW if os.geteuid() == 0 else 0
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | only)
    except OSError as error:
        if only and path.is_symlink():
            raise EmbeddedError(
                f"{path} is a link, which bitvaultd does not follow as root: "
                "put the folder itself there, or mount it there"
            ) from error
        raise


def foreign_owner(path: Path, folder: Path) -> str:
    """Say that ``path`` belongs to somebody else, and what makes ``folder`` ours."""
    owner, me = name_of(path.lstat().st_uid), name_of(os.geteuid())
    return (
        f"{path} belongs to {owner}, and bitvaultd runs as {me}: "
        f"say chown -R {me} {folder} as root, or start bitvaultd as {owner}"
    )


def _foreign(folder: Path, data: Path, owner: int) -> Iterator[Path]:
    for path in (folder, *(data / name for name in _TOP)):
        if os.path.lexists(path) and path.lstat().st_uid != owner:
            yield path


def _give(folder: Path, account: Account) -> None:
    """Give the folder away without following links; what has a second name elsewhere stays."""
    for _, folders, files, handle in os.fwalk(folder):
        for name in (*folders, *files):
            opened = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=handle)
            try:
                _give_one(opened, account)
            finally:
                os.close(opened)


def _give_one(handle: int, account: Account) -> None:
    """Give away the very file that was looked at, whatever its name leads to by now."""
    found = os.fstat(handle)
    if stat.S_ISDIR(found.st_mode) or found.st_nlink == 1:
        # fchown(2) takes no O_PATH handle; this name leads to what the handle holds.
        os.chown(f"/proc/self/fd/{handle}", account.owner, account.owners_group)


def _owner(data: Path) -> Account | None:
    """Return the owner of the data, unless that is root."""
    try:
        handle = _opened(data)
    except FileNotFoundError:
        return None
    try:
        found = os.fstat(handle)
    finally:
        os.close(handle)
    return Account(found.st_uid, found.st_gid) if found.st_uid else None


def _named() -> Account | None:
    for name in _ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    return None


def _takes(folder: Path, account: Account) -> bool:
    """Give the folder to the account; not every file system or container lets root do that."""
    handle = _opened(folder)
    try:
        os.fchown(handle, account.owner, account.owners_group)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def can_run(programs: Path, account: Account) -> bool:
    """Return whether the account can run PostgreSQL's programs here, by running one."""
    command = [str(programs / "bin" / "initdb"), "--version"]
    options = {**account.options(), "cwd": "/", "timeout": _SECONDS}
    try:
        done = subprocess.run(command, check=False, capture_output=True, **options)  # noqa: S603 - PostgreSQL
    except (subprocess.SubprocessError, OSError):
        return False
    return done.returncode == 0
