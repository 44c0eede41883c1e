"""Every setting, its default and its rule; ``config/bitvault.toml`` lists them for people.

The daemon reads them; a wrong one is refused by name, with the rule it breaks. Secrets are given as
paths of files.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from attrs import field, frozen

from bitvault.kernel.addresses import is_host_or_network, networks
from bitvault.kernel.hosts import beside
from bitvault.kernel.mailbox import sender

Rule = tuple[Callable[[Any], bool], str]


class SettingError(Exception):
    """A setting is unknown, of the wrong type, or breaks its rule; the message is for the user."""

    def __init__(self, name: str, rule: str) -> None:
        super().__init__(f"setting {name}: {rule}")
        self.name = name
        self.rule = rule


def _within(low: float, high: float, unit: str) -> Rule:
    return (lambda value: low <= value <= high, f"must be from {low:g} to {high:g} {unit}")


def _address(value: str) -> bool:
    host, _, port = value.rpartition(":")
    return bool(host) and port.isdecimal() and int(port) <= 65535  # noqa: PLR2004 - TCP's bound


def _one_of(*words: str) -> Rule:
    return (lambda value: value in words, f"must be one of {', '.join(words)}")


def _url(*schemes: str) -> Rule:
    return (
        lambda value: not value or value.startswith(tuple(f"{word}://" for word in schemes)),
        f"must be empty or start with {' or '.join(f'{word}://' for word in schemes)}",
    )


def _setting(default: Any, rule: Rule | None = None) -> Any:
    return field(default=default, metadata={"rule": rule})


def _reads(read: Callable[[str], object]) -> Callable[[str], bool]:
    def is_read(value: str) -> bool:
        try:
            read(value)
        except ValueError:
            return False
        return True

    return is_read


_PROXIES: Rule = (
    _reads(networks),
    "must be a comma-separated list of addresses and CIDR networks, without host bits",
)
_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")
_ORIGINS: Rule = (
    lambda value: all(_ORIGIN.fullmatch(one.strip()) for one in value.split(",") if one.strip()),
    "must be a comma-separated list of origins such as https://files.example.org",
)
_HOSTS: Rule = (
    lambda value: all(is_host_or_network(one.strip()) for one in value.split(",") if one.strip()),
    "must be a comma-separated list of host names, addresses and CIDR networks",
)
_SENDER: Rule = (
    lambda value: not value or _reads(sender)(value),
    "must be an address, or a name and an address in <>",
)
_ADDRESS: Rule = (_address, "must be HOST:PORT with a port from 0 to 65535")
_OPTIONAL_ADDRESS: Rule = (lambda value: not value or _address(value), f"{_ADDRESS[1]}, or empty")
_HOST_RULE = "must be a host name, or an IPv4 address, alone"
STORE_PORT = 8081
_DAY = 86_400


@frozen
class Server:
    """The daemon's own socket and folder."""

    listen: str = _setting("127.0.0.1:8080", _ADDRESS)
    data: str = _setting("bitvault-data", (lambda value: bool(value.strip()), "must be a path"))
    public_url: str = _setting("", _url("http", "https"))
    tls_cert: str = _setting("")
    tls_key: str = _setting("")
    body_limit: int = _setting(8 << 20, _within(1 << 16, 1 << 30, "bytes"))
    disk_reserve: int = _setting(256 << 20, _within(0, 1 << 40, "bytes"))
    graceful_timeout: float = _setting(10.0, _within(0, 600, "seconds"))
    requests_at_once: int = _setting(256, _within(16, 100_000, "requests"))
    connections: int = _setting(512, _within(16, 100_000, "connections"))
    unsent_answers: int = _setting(16 << 20, _within(1 << 20, 1 << 40, "bytes"))
    cleartext_http2: bool = _setting(default=False)
    trusted_proxies: str = _setting("", _PROXIES)
    cors_origins: str = _setting("", _ORIGINS)
    secrets_key_file: str = _setting("")
    proxy_header: str = _setting("X-Forwarded-For", _one_of("X-Forwarded-For", "Forwarded"))

    @property
    def tls(self) -> tuple[str, str] | None:
        """Return the files of the certificate and its key; None: plain HTTP."""
        return (self.tls_cert, self.tls_key) if self.tls_cert else None


@frozen
class Database:
    """PostgreSQL; an empty URL runs the embedded one."""

    url: str = _setting("", _url("postgresql", "postgres"))
    pool_size: int = _setting(8, _within(1, 200, "connections"))
    statement_timeout: float = _setting(30.0, _within(0.1, 3600, "seconds"))
    security: str = _setting("tls", _one_of("tls", "insecure"))


@frozen
class Objects:
    """The object store; an empty endpoint runs the embedded one on ``listen``.

    Empty itself, that is ``STORE_PORT`` beside the REST interface, so that whoever reaches the one
    reaches the other.
    """

    endpoint: str = _setting("", _url("http", "https"))
    public_endpoint: str = _setting("", _url("http", "https"))
    listen: str = _setting("", _OPTIONAL_ADDRESS)
    region: str = _setting("us-east-1", (bool, "must not be empty"))
    bucket: str = _setting("bitvault", (bool, "must not be empty"))
    credentials_file: str = _setting("")
    security: str = _setting("tls", _one_of("tls", "insecure"))
    cors_origins: str = _setting("*", (bool, "must be * or a comma-separated list of origins"))


@frozen
class Transfers:
    """How long uploads and presigned requests live."""

    upload_ttl: float = _setting(7.0 * _DAY, _within(60, 90 * _DAY, "seconds"))
    put_ttl: float = _setting(3600.0, _within(30, 7 * _DAY, "seconds"))
    part_ttl: float = _setting(900.0, _within(30, 7 * _DAY, "seconds"))
    get_ttl: float = _setting(300.0, _within(10, 7 * _DAY, "seconds"))


@frozen
class Garbage:
    """When what nobody needs any more is deleted."""

    interval: float = _setting(60.0, _within(1, _DAY, "seconds"))
    grace: float = _setting(1.0 * _DAY, _within(60, 365 * _DAY, "seconds"))
    keep_results: float = _setting(7.0 * _DAY, _within(_DAY, 90 * _DAY, "seconds"))


@frozen
class Events:
    """What happened, as consumers read it; the audit trail is kept apart, and longer."""

    keep: float = _setting(60.0 * _DAY, _within(_DAY, 3650 * _DAY, "seconds"))


@frozen
class Quota:
    """Bytes; 0 is without limit."""

    tenant: int = _setting(0, _within(0, 1 << 62, "bytes"))
    personal_space: int = _setting(0, _within(0, 1 << 62, "bytes"))


@frozen
class Sessions:
    """Login sessions."""

    ttl: float = _setting(30.0 * _DAY, _within(60, 365 * _DAY, "seconds"))
    idle_ttl: float = _setting(14.0 * _DAY, _within(60, 365 * _DAY, "seconds"))
    access_ttl: float = _setting(3600.0, _within(60, _DAY, "seconds"))


@frozen
class Limits:
    """How much may be asked: units at once, and units a second after that; a rate of 0: no limit.

    The limit on wrong passwords has no such zero.
    """

    address_rate: float = _setting(2000.0, _within(0, 1e6, "units a second"))
    address_burst: int = _setting(20_000, _within(100, 10**9, "units"))
    user_rate: float = _setting(2000.0, _within(0, 1e6, "units a second"))
    user_burst: int = _setting(100_000, _within(100, 10**9, "units"))
    tenant_rate: float = _setting(5000.0, _within(0, 1e6, "units a second"))
    tenant_burst: int = _setting(250_000, _within(100, 10**9, "units"))
    link_rate: float = _setting(500.0, _within(0, 1e6, "units a second"))
    link_burst: int = _setting(20_000, _within(100, 10**9, "units"))
    password_guesses: int = _setting(10, _within(1, 1000, "guesses"))
    password_seconds: float = _setting(30.0, _within(1, 3600, "seconds"))


@frozen
class Mail:
    """The server that mail is handed to; without a host no mail is sent."""

    host: str = _setting("", (lambda value: "/" not in value and ":" not in value, _HOST_RULE))
    port: int = _setting(587, _within(1, 65535, "as a TCP port"))
    security: str = _setting("starttls", _one_of("starttls", "tls", "none", "insecure"))
    user: str = _setting("")
    password_file: str = _setting("")
    sender: str = _setting("", _SENDER)
    ca_file: str = _setting("")
    timeout: float = _setting(30.0, _within(1, 600, "seconds"))


@frozen
class Outgoing:
    """Requests to servers that tenants name; ``allow``: which private ones they may."""

    allow: str = _setting("", _HOSTS)


@frozen
class Log:
    """Structured logs on standard error."""

    level: str = _setting("info", _one_of("debug", "info", "warning", "error"))
    format: str = _setting("auto", _one_of("auto", "json", "text"))


@frozen
class Settings:
    """All of them; each attribute is a section of the file."""

    server: Server = Server()
    database: Database = Database()
    objects: Objects = Objects()
    transfers: Transfers = Transfers()
    garbage: Garbage = Garbage()
    events: Events = Events()
    quota: Quota = Quota()
    sessions: Sessions = Sessions()
    limits: Limits = Limits()
    mail: Mail = Mail()
    outgoing: Outgoing = Outgoing()
    log: Log = Log()

    @property
    def store_listen(self) -> str:
        """Return HOST:PORT of the embedded object store."""
        return self.objects.listen or beside(self.server.listen, STORE_PORT)


_FLAGS: Mapping[str, str] = {
    "server.listen": "listen",
    "server.data": "data",
    "objects.listen": "store-listen",
}


def variables() -> dict[str, str]:
    """Return the environment variable of each setting, and the setting's name."""
    return {
        f"BITVAULT_{section}_{key}".upper(): f"{section}.{key}"
        for section, kind in get_type_hints(Settings).items()
        for key in get_type_hints(kind)
    }


def ways_to_set(name: str) -> str:
    """Say how somebody gives a setting."""
    flag = f"--{_FLAGS[name]}, " if name in _FLAGS else ""
    variable = next(variable for variable, setting in variables().items() if setting == name)
    return f"{flag}{variable}, or {name} in a --config file"
