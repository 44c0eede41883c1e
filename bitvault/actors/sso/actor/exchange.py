"""From a code to claims: the token endpoint, the ID token, and userinfo."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from attrs import frozen

from bitvault.actors.sso.actor.access import place_of
from bitvault.actors.sso.actor.issuers import CALL_SECONDS, Issuers, json_of
from bitvault.actors.sso.rules import sign_in, tokens
from bitvault.actors.sso.rules.discovery import Metadata
from bitvault.actors.sso.rules.tokens import Untrusted
from bitvault.actors.sso.store.providers import Kept
from bitvault.drivers.outgoing.port import Outgoing, Parcel, Unreachable
from bitvault.drivers.sealing.port import Sealing, Unsealable

_FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
_REFUSALS = range(400, 500)


@frozen
class Exchange:
    """One conversation with a provider."""

    outgoing: Outgoing
    sealing: Sealing
    issuers: Issuers
    kept: Kept
    metadata: Metadata

    async def claims(
        self, code: str, redirect_uri: str, browser_secret: str, now: float
    ) -> Mapping[str, Any]:
        """Return what the provider says of who brought the code.

        Raises:
            Untrusted: It is not believed.
            Unreachable: The provider does not answer as it should.
        """
        wanted = self.kept.provider.terms
        answer = await self._tokens(code, redirect_uri, sign_in.verifier_of(browser_secret))
        id_token, access_token = answer.get("id_token"), answer.get("access_token")
        if not isinstance(id_token, str):
            raise Untrusted("the provider gave no ID token")
        access = access_token if isinstance(access_token, str) else None
        header = tokens.header_of(id_token)
        key = await self.issuers.key(self.metadata, header)
        nonce = sign_in.nonce_of(browser_secret)
        expected = tokens.Expected(wanted.issuer, wanted.client_id, nonce, access, now)
        claims = tokens.claims_of(id_token, header, key, expected)
        if access is None or not sign_in.wants_more(claims, wanted):
            return claims
        return {**await self._userinfo(access, claims["sub"]), **claims}

    async def _tokens(self, code: str, redirect_uri: str, verifier: str) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers, proof = self._proof()
        asked = Parcel(
            "POST",
            self.metadata.token_endpoint,
            {**_FORM, **headers},
            urlencode({**form, **proof}).encode(),
            deadline=CALL_SECONDS,
        )
        answer = await self.outgoing.send(asked)
        if answer.status in _REFUSALS:
            raise Untrusted(f"the provider does not take the code ({answer.status})")
        return _object(json_of(answer))

    def _proof(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Return headers and members of the form that prove which client this is."""
        client_id, sealed = self.kept.provider.terms.client_id, self.kept.sealed_secret
        if sealed is None:
            return {}, {"client_id": client_id}
        try:
            secret = self.sealing.open(sealed, place_of(self.kept))
        except Unsealable as error:
            raise Unreachable("the client secret is sealed under another key") from error
        if self.metadata.posts_secret:
            return {}, {"client_id": client_id, "client_secret": secret}
        # RFC 6749 §2.3.1: both are form-encoded first.
        pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
        return {"authorization": f"Basic {b64encode(pair.encode()).decode()}"}, {}

    async def _userinfo(self, access_token: str, subject: str) -> Mapping[str, Any]:
        """Ask for what the ID token left out; another subject's answer is not taken (§5.3.2)."""
        if self.metadata.userinfo_endpoint is None:
            return {}
        if not access_token.isascii() or not access_token.isprintable():
            raise Untrusted("the access token is none")
        headers = {"authorization": f"Bearer {access_token}", "accept": "application/json"}
        url = self.metadata.userinfo_endpoint
        asked = Parcel("GET", url, headers, deadline=CALL_SECONDS)
        told = _object(json_of(await self.outgoing.send(asked)))
        if told.get("sub") != subject:
            raise Untrusted("the provider's userinfo is another subject's")
        return told


def _object(document: Any) -> Mapping[str, Any]:
    if not isinstance(document, dict):
        raise Unreachable("the provider did not answer as it should")
    return document
