"""Reads the settings: file < environment (``BITVAULT_SECTION_NAME``) < flag.

A wrong one is refused by name, with the rule it breaks; nothing starts on a guess.
"""

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_type_hints

import attrs

from bitvault.kernel.hosts import host_of, is_in_the_clear, is_loopback
from bitvault.kernel.settings import Server, SettingError, Settings, variables

_OF_THE_CLI = ("BITVAULT_SERVER", "BITVAULT_TOKEN")
_WORD: Mapping[type, str] = {int: "whole number", float: "number", str: "string"}


def load(path: Path | None, environment: Mapping[str, str], flags: Mapping[str, str]) -> Settings:
    """Read the settings; ``flags`` are ``{"server.listen": "…"}``, as text like the environment.

    Raises:
        SettingError: naming the first setting that is wrong.
    """
    _refuse_slips(environment)
    tree = _read(path) if path else {}
    _refuse_unknown("", tree, [section.name for section in attrs.fields(Settings)])
    sections = {}
    for name, kind in get_type_hints(Settings).items():
        sections[name] = _section(name, kind, tree.get(name, {}), environment, flags)
    settings = Settings(**sections)
    _check_grace(settings)
    _check_tls(settings.server)
    _check_mail(settings)
    _check_ways(settings)
    return settings


def _refuse_slips(environment: Mapping[str, str]) -> None:
    """Refuse what looks like a setting and is none; other programs' variables are their own."""
    known = variables()
    sections = tuple(f"BITVAULT_{section.name}_".upper() for section in attrs.fields(Settings))
    for variable in environment:
        if not variable.startswith("BITVAULT_") or variable in (*known, *_OF_THE_CLI):
            continue
        near = get_close_matches(variable, known, 1, cutoff=0.85)
        if near or variable.startswith(sections):
            hint = f"; did you mean {near[0]}?" if near else ""
            raise SettingError(variable, f"there is no such environment variable{hint}")


def _check_grace(settings: Settings) -> None:
    """Refuse to delete what somebody may hold a signed request for."""
    for name in ("put_ttl", "part_ttl", "get_ttl"):
        ttl = getattr(settings.transfers, name)
        if settings.garbage.grace <= ttl:
            raise SettingError("garbage.grace", f"must be more than transfers.{name} ({ttl:g})")


def _check_tls(server: Server) -> None:
    """Refuse half a certificate: to serve without TLS then would be a guess."""
    if bool(server.tls_cert) != bool(server.tls_key):
        name = "server.tls_key" if server.tls_cert else "server.tls_cert"
        raise SettingError(name, "must be given with the other of the two")
    if server.tls and server.public_url.startswith("http:"):
        raise SettingError("server.public_url", "must be https where server.tls_cert is set")


def _check_ways(settings: Settings) -> None:
    """Refuse to speak in the clear with another machine (ASVS 12.3.3), unless that is said."""
    database, objects = settings.database, settings.objects
    if database.security == "tls" and is_in_the_clear(database.url):
        rule = (
            "leads to another machine without proof that it is the right one: add "
            "?sslmode=verify-full&sslrootcert=FILE to it, or set database.security to insecure "
            "if the way there is safe"
        )
        raise SettingError("database.url", rule)
    store = objects.endpoint
    if objects.security == "tls" and store.startswith("http:") and not is_loopback(host_of(store)):
        rule = (
            "leads to another machine in the clear: use https, or set objects.security to "
            "insecure if the way there is safe"
        )
        raise SettingError("objects.endpoint", rule)


def _check_mail(settings: Settings) -> None:
    """Refuse mail that could not be sent, or whose links would lead nowhere."""
    mail = settings.mail
    if not mail.host:
        return
    if not mail.sender:
        raise SettingError("mail.sender", "is needed with mail.host: the address mail comes from")
    if not settings.server.public_url:
        rule = "is needed with mail.host: the links in mails lead there"
        raise SettingError("server.public_url", rule)
    if bool(mail.user) != bool(mail.password_file):
        missing = "password_file" if mail.user else "user"
        raise SettingError(f"mail.{missing}", "give both mail.user and mail.password_file, or none")
    if mail.security == "none" and not is_loopback(mail.host):
        rule = (
            "none is for a server on this machine: others would read the mails and their links; "
            "use starttls or tls, or say insecure if the way there is safe"
        )
        raise SettingError("mail.security", rule)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError(str(path), f"cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(str(path), f"is not TOML: {error}") from error


def _section(
    name: str, kind: type, given: Any, environment: Mapping[str, str], flags: Mapping[str, str]
) -> Any:
    if not isinstance(given, dict):
        raise SettingError(name, "must be a table")
    hints = get_type_hints(kind)
    _refuse_unknown(f"{name}.", given, list(hints))
    values = {}
    for key, hint in hints.items():
        full, variable = f"{name}.{key}", f"BITVAULT_{name}_{key}".upper()
        if full in flags:
            values[key] = _from_text(full, hint, flags[full])
        elif variable in environment:
            values[key] = _from_text(variable, hint, environment[variable])
        elif key in given:
            values[key] = _typed(full, hint, given[key])
    return _checked(name, kind(**values))


def _refuse_unknown(prefix: str, given: Mapping[str, Any], known: list[str]) -> None:
    for key in given:
        if key not in known:
            near = get_close_matches(key, known, 1)
            hint = f"; did you mean {prefix}{near[0]}?" if near else ""
            raise SettingError(f"{prefix}{key}", f"there is no such setting{hint}")


def _typed(name: str, hint: type, value: Any) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not hint:
        raise SettingError(name, f"must be a {_WORD[hint]}")
    return value


def _from_text(name: str, hint: type, text: str) -> Any:
    try:
        return hint(text)
    except ValueError as error:
        raise SettingError(name, f"must be a {_WORD[hint]}") from error


def _checked(section_name: str, section: Any) -> Any:
    for attribute in attrs.fields(type(section)):
        rule = attribute.metadata["rule"]
        value = getattr(section, attribute.name)
        if rule and not rule[0](value):
            raise SettingError(f"{section_name}.{attribute.name}", f"{rule[1]}, not {value!r}")
    return section
