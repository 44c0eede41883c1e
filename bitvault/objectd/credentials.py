"""Who may do what: the keys file, read once and fail-closed.

Form: `{"keys": [{"accessKeyId", "secretAccessKey", "permissions": ["read"|"write"|"admin"],
"bucket"?, "prefix"?}]}`. `read` is GetObject and HeadObject, `write` is PutObject and
UploadPart, `admin` is every operation; each within the key's bucket and prefix.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

PERMISSIONS = ("read", "write", "admin")
MIN_SECRET = 16
_FIELDS = frozenset({"accessKeyId", "secretAccessKey", "permissions", "bucket", "prefix"})


class CredentialsError(Exception):
    """The credentials file cannot be trusted; the store must not start."""


@attrs.frozen
class Key:
    """One access key and its reach."""

    access_key_id: str
    secret: str = attrs.field(repr=False)
    permissions: tuple[str, ...]
    bucket: str | None = None
    prefix: bytes = b""

    def allows(self, permission: str, bucket: str, key: bytes) -> bool:
        """Whether the key may use a permission on a bucket and a key (or key prefix)."""
        granted = permission in self.permissions or "admin" in self.permissions
        in_bucket = self.bucket is None or self.bucket == bucket
        return granted and in_bucket and key.startswith(self.prefix)


@attrs.frozen
class Keyring:
    """All keys; `secrets` is the view SigV4 needs."""

    keys: Mapping[str, Key]
    secrets: Mapping[str, str] = attrs.field(repr=False)


def load_keyring(path: Path) -> Keyring:
    """Read the credentials file.

    Raises:
        CredentialsError: missing, unreadable, empty, or with any field not understood.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CredentialsError(f"credentials file {path}: {error}") from None
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        raise CredentialsError(f'credentials file {path}: needs a non-empty list "keys"')
    keys = [
        _read_key(entry, f"credentials file {path}: keys[{i}]") for i, entry in enumerate(entries)
    ]
    by_id = {key.access_key_id: key for key in keys}
    if len(by_id) != len(keys):
        raise CredentialsError(f"credentials file {path}: an accessKeyId is given twice")
    return Keyring(keys=by_id, secrets={key.access_key_id: key.secret for key in keys})


def _read_key(entry: Any, where: str) -> Key:
    if not isinstance(entry, dict) or not _FIELDS.issuperset(entry):
        raise CredentialsError(f"{where}: must be an object with only {sorted(_FIELDS)}")
    permissions = entry.get("permissions")
    if (
        not isinstance(permissions, list)
        or not permissions
        or not set(PERMISSIONS).issuperset(permissions)
    ):
        raise CredentialsError(f"{where}: permissions must be a non-empty list of {PERMISSIONS}")
    secret = _text(entry, "secretAccessKey", where)
    if len(secret) < MIN_SECRET:
        raise CredentialsError(
            f"{where}: secretAccessKey must have at least {MIN_SECRET} characters"
        )
    return Key(
        access_key_id=_text(entry, "accessKeyId", where),
        secret=secret,
        permissions=tuple(permissions),
        bucket=_text(entry, "bucket", where) if "bucket" in entry else None,
        prefix=_text(entry, "prefix", where).encode() if "prefix" in entry else b"",
    )


def _text(entry: Mapping[str, Any], name: str, where: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str) or not value or "/" in value * (name == "accessKeyId"):
        raise CredentialsError(f"{where}: {name} must be a non-empty string")
    return value
