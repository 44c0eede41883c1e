"""What browsers are told of every answer: what may run, frame, sniff and read it (WHATWG Fetch).

No cookie logs anybody in: a token travels in Authorization alone, which no page can make a browser
send to another origin unless that is allowed here. So there is nothing that CSRF could ride on. The
one cookie there is binds a sign-in by a provider to the browser that began it.
"""

from collections.abc import Sequence

from attrs import frozen
from werkzeug.datastructures import Headers

_ALWAYS = [
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
]
"""Added to each answer, so no route may set one of them itself."""
_NOTHING_RUNS = "default-src 'none'; frame-ancestors 'none'"
_EXPOSED = "ETag, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"
_SENT = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-Id"
_PREFLIGHT_SECONDS = "600"
_YEAR = 31_536_000


@frozen
class Browsers:
    """Whose pages may use the interface, and whether it is reached by HTTPS only."""

    origins: Sequence[str] = ()
    is_https: bool = False

    def tell(self, asked: Headers, answer: Headers) -> None:
        """Add to an answer what browsers must know; what it says itself stays.

        Args:
            asked: The request's headers.
            answer: The answer's.
        """
        answer.extend(_ALWAYS)
        answer.setdefault("Content-Security-Policy", _NOTHING_RUNS)
        if self.is_https:
            answer["Strict-Transport-Security"] = f"max-age={_YEAR}"
        if self.origins:
            answer.add("Vary", "Origin")
            self._share(asked, answer)

    def _share(self, asked: Headers, answer: Headers) -> None:
        origin = asked.get("Origin", "")
        if origin not in self.origins:
            return
        answer["Access-Control-Allow-Origin"] = origin
        answer["Access-Control-Expose-Headers"] = _EXPOSED
        if "Access-Control-Request-Method" in asked and "Allow" in answer:
            answer["Access-Control-Allow-Methods"] = answer["Allow"]
            answer["Access-Control-Allow-Headers"] = _SENT
            answer["Access-Control-Max-Age"] = _PREFLIGHT_SECONDS
