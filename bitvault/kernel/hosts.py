"""HOST:PORT and URLs: who can reach them."""

from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit


def host_of(address: str) -> str:
    """Return the host of a URL, or of HOST:PORT."""
    return urlsplit(address if "://" in address else f"//{address}").hostname or ""


def is_wildcard(host: str) -> bool:
    """Say whether it stands for every address of this machine."""
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Say whether only this machine itself can reach it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def is_in_the_clear(dsn: str) -> bool:
    """Say whether a database elsewhere is spoken to without TLS, or without knowing who it is."""
    parts = urlsplit(dsn)
    query = {name: given[-1] for name, given in parse_qs(parts.query).items()}
    places = parts.netloc.rpartition("@")[2].split(",")
    hosts = query["host"].split(",") if "host" in query else [host_of(one) for one in places]
    away = [one for one in hosts if one and not one.startswith("/") and not is_loopback(one)]
    return bool(away) and query.get("sslmode") != "verify-full"


def beside(listen: str, port: int) -> str:
    """Return HOST:PORT with another port."""
    return f"{listen.rpartition(':')[0]}:{port}"


def seen_from_here(url: str) -> str:
    """Return a URL that this machine can use, where the host is a wildcard."""
    if not is_wildcard(host_of(url)):
        return url
    return url.replace("[::]", "[::1]").replace("//0.0.0.0", "//127.0.0.1")
