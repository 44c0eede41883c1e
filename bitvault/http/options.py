"""What may be set at the edge, read from the settings."""

import attrs

from bitvault.edge.capacity import AT_ONCE, CONNECTIONS, UNSENT_ANSWERS
from bitvault.edge.throttle import Rates
from bitvault.http.browsers import Browsers
from bitvault.http.forwarded import Proxies
from bitvault.kernel.addresses import networks
from bitvault.kernel.limits import Limit
from bitvault.kernel.settings import Settings


@attrs.frozen
class Options:
    """What may be set. ``body_limit`` in bytes, ``body_timeout`` in seconds."""

    body_limit: int = 8 << 20
    body_timeout: float = 60.0
    requests_at_once: int = AT_ONCE
    connections: int = CONNECTIONS
    unsent_answers: int = UNSENT_ANSWERS
    proxies: Proxies = attrs.field(factory=Proxies)
    browsers: Browsers = attrs.field(factory=Browsers)
    rates: Rates = attrs.field(factory=Rates)
    store: str = ""
    """Where the object store is for clients, as a URL: the page of a file request sends there."""

    @classmethod
    def of(cls, settings: Settings, store: str = "") -> "Options":
        """Take them from the settings; where the store is, is known once it runs."""
        server, limits = settings.server, settings.limits
        return cls(
            body_limit=server.body_limit,
            requests_at_once=server.requests_at_once,
            connections=server.connections,
            unsent_answers=server.unsent_answers,
            proxies=Proxies(networks(server.trusted_proxies), server.proxy_header),
            browsers=Browsers(
                tuple(one.strip() for one in server.cors_origins.split(",") if one.strip()),
                is_https=bool(server.tls) or server.public_url.startswith("https://"),
            ),
            rates=Rates(
                address=_limit("address", limits.address_rate, limits.address_burst),
                user=_limit("user", limits.user_rate, limits.user_burst),
                tenant=_limit("tenant", limits.tenant_rate, limits.tenant_burst),
                link=_limit("link", limits.link_rate, limits.link_burst),
            ),
            store=store,
        )


def _limit(name: str, rate: float, burst: int) -> Limit | None:
    return Limit(name, rate, burst) if rate else None
