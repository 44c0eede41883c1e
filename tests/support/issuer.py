"""An OpenID provider that does what a test says, wrong things too; a real HTTP server."""

import hashlib
import json
import threading
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from attrs import define, field
from joserfc import jwt
from joserfc.jwk import RSAKey

_DISCOVERY = "/.well-known/openid-configuration"
Json = dict[str, Any]


def sha(text: str) -> str:
    """Return base64url of the SHA-256."""
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


@cache
def _key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


@define(eq=False)
class Issuer:
    """Every path below it is an issuer of its own; all share keys and answers."""

    url: str = ""
    key: RSAKey = field(factory=lambda: _key("one"))
    published: list[RSAKey] | None = None
    """None: the key in use."""
    metadata: Json = field(factory=dict)
    """Takes the place of members of the discovery document; None leaves them out."""
    claims: Json = field(factory=dict)
    """Likewise of the ID token."""
    userinfo: Json = field(factory=dict)
    sign: Callable[[Json], str] | None = None
    """Makes the ID token, instead of the key."""
    garbled: set[str] = field(factory=set)
    """What is answered in bytes that are no UTF-8: discovery, jwks, token, userinfo."""
    now: Callable[[], float] = lambda: 0.0
    grants: dict[str, Json] = field(factory=dict)
    """Codes that were given out, with challenge and nonce."""
    asked: Counter[str] = field(factory=Counter)
    forms: list[Json] = field(factory=list)
    authorizations: list[str | None] = field(factory=list)

    def grant(self, location: str, code: str = "good") -> str:
        """Let somebody through whom an authorization request brings; returns the state."""
        query = {name: one[0] for name, one in parse_qs(urlsplit(location).query).items()}
        assert query["code_challenge_method"] == "S256"
        self.grants[code] = query
        return query["state"]

    def document(self, issuer: str) -> Json:
        """Return the discovery document."""
        whole = {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks",
            "userinfo_endpoint": f"{issuer}/userinfo",
            "authorization_response_iss_parameter_supported": True,
        }
        return {name: one for name, one in (whole | self.metadata).items() if one is not None}

    def jwks(self) -> Json:
        """Return the keys that are published."""
        keys = [self.key] if self.published is None else self.published
        return {"keys": [one.as_dict(private=False) for one in keys]}

    def token(self, issuer: str, form: Json) -> tuple[int, Json]:
        """Take a code, once."""
        self.forms.append(form)
        grant = self.grants.pop(form.get("code", ""), None)
        if grant is None or sha(form.get("code_verifier", "")) != grant["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        whole = {
            "iss": issuer,
            "sub": "u-1",
            "aud": grant["client_id"],
            "exp": self.now() + 300,
            "iat": self.now(),
            "nonce": grant["nonce"],
            "preferred_username": "nina",
            "name": "Nina",
        }
        claims = {name: one for name, one in (whole | self.claims).items() if one is not None}
        id_token = self.sign(claims) if self.sign else self.signed(claims)
        return 200, {"access_token": "at", "token_type": "Bearer", "id_token": id_token}

    def signed(self, claims: Json, **header: Any) -> str:
        """Sign as an honest provider does, with more in the header."""
        head = {"alg": "RS256", "kid": self.key.kid, **header}
        return jwt.encode(head, claims, self.key, algorithms=[head["alg"]])

    def rotate(self, kid: str) -> None:
        """Sign with another key from now on."""
        self.key = _key(kid)

    def answer(self, path: str, form: Json) -> tuple[int, Any]:
        """Answer a request."""
        issuer, _, word = f"{self.url}{path}".rpartition("/")
        if path.endswith(_DISCOVERY):
            self.asked["discovery"] += 1
            return 200, self.document(f"{self.url}{path.removesuffix(_DISCOVERY)}")
        self.asked[word] += 1
        if word == "jwks":
            return 200, self.jwks()
        if word == "token":
            return self.token(issuer, form)
        return (200, self.userinfo) if word == "userinfo" else (404, {})


class _Handler(BaseHTTPRequestHandler):
    issuer: Issuer

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._answer({name: one[0] for name, one in parse_qs(raw).items()})

    def _answer(self, form: Json) -> None:
        self.issuer.authorizations.append(self.headers["Authorization"])
        status, said = self.issuer.answer(self.path, form)
        raw = json.dumps(said).encode()
        word = "discovery" if self.path.endswith(_DISCOVERY) else self.path.rpartition("/")[2]
        if word in self.issuer.garbled:
            raw = b'{"issuer": "M\xfcller"}'
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    """Run one on a free port of 127.0.0.1."""
    issuer = Issuer()
    handler = type("Handler", (_Handler,), {"issuer": issuer})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        issuer.url = f"http://127.0.0.1:{server.server_address[1]}"
        serve = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        serve.start()
        yield issuer
        server.shutdown()
        serve.join()


_LASTING = ExitStack()


@cache
def lasting_issuer() -> Issuer:
    """Return one that lives as long as the tests' process, for what only has to be there."""
    return _LASTING.enter_context(running_issuer())
