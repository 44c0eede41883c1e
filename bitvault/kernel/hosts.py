"""HOST:PORT and URLs: who can reach them."""

from ipaddress import ip_address
from urllib.parse import urlsplit


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


def beside(listen: str, port: int) -> str:
    """Return HOST:PORT with another port."""
    return f"{listen.rpartition(':')[0]}:{port}"


def seen_from_here(url: str) -> str:
    """Return a URL that this machine can use, where the host is a wildcard."""
    if not is_wildcard(host_of(url)):
        return url
    return url.replace("[::]", "[::1]").replace("//0.0.0.0", "//127.0.0.1")
