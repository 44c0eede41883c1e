"""Signing in: the authorization code flow with PKCE, state and nonce, and a code for the client."""

import hmac
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from attrs import define, field

from bitvault.actors.identity.contract import (
    AdmitOutsider,
    LocateTenant,
    NotAdmitted,
    Outsider,
    User,
)
from bitvault.actors.room import ask_below
from bitvault.actors.sso.actor.desk import Desk
from bitvault.actors.sso.actor.exchange import Exchange
from bitvault.actors.sso.contract import (
    BeginSignIn,
    FinishSignIn,
    ListWays,
    RedeemSignIn,
    SignedIn,
    SignInBegun,
    SignInFailed,
    SignInFinished,
    SignInRedeemed,
    SignInRefused,
    Way,
)
from bitvault.actors.sso.rules import sign_in as rules
from bitvault.actors.sso.rules import terms
from bitvault.actors.sso.rules.discovery import Metadata
from bitvault.actors.sso.rules.tokens import Untrusted, check_sender
from bitvault.actors.sso.store import providers
from bitvault.actors.sso.store import sign_ins as store
from bitvault.drivers.outgoing.port import Unreachable
from bitvault.drivers.postgres.port import Transaction
from bitvault.kernel.ids import TenantId, UserId
from bitvault.kernel.principal import Caller, Principal
from bitvault.kernel.refusal import Refusal, Refused, Unavailable
from supervisors import handles

_AT_ONCE = 8
"""Sign-ins that wait for one provider: a slow one must not take the room from the others."""
_MOST_ERROR = 64


@define(eq=False)
class SignIns(Desk):
    """From nobody to a user."""

    _waiting: Counter[UUID] = field(factory=Counter, init=False)

    @handles(ListWays)
    async def list_ways(self, request: ListWays) -> tuple[Way, ...]:
        """List how users of a tenant may sign in."""
        tenant_id = await ask_below(self.identity, LocateTenant(request.tenant), "identity")
        if isinstance(tenant_id, Refusal):
            return ()

        async def work(tx: Transaction) -> tuple[providers.Kept, ...]:
            return await providers.providers(tx, tenant_id)

        found = (kept.provider for kept in await self.database.read(tenant_id, work))
        return tuple(Way(one.provider_id, one.terms.name) for one in found)

    @handles(BeginSignIn)
    async def begin_sign_in(self, request: BeginSignIn) -> SignInBegun:
        """Send a browser to a provider."""
        return_to = terms.checked_return(request.return_to)
        challenge = terms.checked_challenge(request.challenge)
        client_state = terms.checked_state(request.client_state)
        kept = await self._kept(request.provider_id)
        with self._waits_for(request.provider_id):
            metadata = await self._metadata(kept)
        base = self.base_url()
        redirect_uri = f"{base}/v1/sso/{request.provider_id}/callback"
        attempt = store.Attempt(return_to, client_state, challenge, redirect_uri)
        state, browser = rules.encoded(self.ids.secret(32)), rules.encoded(self.ids.secret(32))
        now = self.clock.now()

        async def work(tx: Transaction) -> None:
            await store.drop_old(tx, kept.tenant_id, now)
            await store.insert_attempt(
                tx,
                kept.tenant_id,
                request.provider_id,
                attempt,
                state_hash=rules.digest(state),
                browser_hash=rules.digest(browser),
                expires_at=now + timedelta(seconds=rules.ATTEMPT_SECONDS),
            )

        await self.database.transact(kept.tenant_id, work)
        location = _asking(kept, metadata.authorization_endpoint, redirect_uri, state, browser)
        return SignInBegun(location, browser, base.startswith("https://"))

    async def _metadata(self, kept: providers.Kept) -> Metadata:
        try:
            return await self.issuers.metadata(kept.provider.terms.issuer)
        except (Untrusted, Unreachable) as error:
            raise Refused(Unavailable("the identity provider")) from error

    @handles(FinishSignIn)
    async def finish_sign_in(self, request: FinishSignIn) -> SignInFinished:
        """Take up what a browser brings: it goes on to its client with a code, or an error."""
        kept = await self._found(request.provider_id)
        with self._waits_for(request.provider_id):
            attempt = await self._attempt(kept, request)
            try:
                user = await self._vouched(kept, attempt, request)
            except (Untrusted, Unreachable) as error:
                await self._tell_failed(kept, request, error.reason)
                refused = isinstance(error, Untrusted)
                return _back(attempt, error="sign_in_refused" if refused else "unavailable")
        code = rules.encoded(self.ids.secret(32))
        await self._issue(kept, attempt, request, user, code)
        return _back(attempt, code=code)

    async def _found(self, provider_id: UUID) -> providers.Kept:
        try:
            return await self._kept(provider_id)
        except Refused as refused:
            raise Refused(SignInRefused()) from refused

    async def _attempt(self, kept: providers.Kept, request: FinishSignIn) -> store.Attempt:
        state, browser = request.parameters.get("state", ""), request.browser_secret
        now = self.clock.now()

        async def work(tx: Transaction) -> store.Attempt | None:
            return await store.take_attempt(
                tx,
                kept.tenant_id,
                request.provider_id,
                state_hash=rules.digest(state),
                browser_hash=rules.digest(browser),
                now=now,
            )

        attempt = await self.database.transact(kept.tenant_id, work)
        if attempt is None:
            raise Refused(SignInRefused())
        return attempt

    async def _vouched(
        self, kept: providers.Kept, attempt: store.Attempt, request: FinishSignIn
    ) -> User:
        """Return whom the provider vouches for; they may have been made just now."""
        wanted, parameters = kept.provider.terms, request.parameters
        metadata = await self.issuers.metadata(wanted.issuer)
        check_sender(parameters, wanted.issuer, is_told=metadata.tells_issuer)
        if "code" not in parameters:
            raise Untrusted(f"the provider says: {_printable(parameters.get('error', 'no code'))}")
        exchange = Exchange(self.outgoing, self.sealing, self.issuers, kept, metadata)
        claims = await exchange.claims(
            parameters["code"],
            attempt.redirect_uri,
            request.browser_secret,
            self.clock.now().timestamp(),
        )
        rules.check_domain(claims, wanted)
        outsider = Outsider(
            wanted.issuer,
            claims["sub"],
            rules.login_of(claims, wanted),
            rules.display_name_of(claims),
            rules.groups_of(claims, wanted),
        )
        source = str(kept.provider.provider_id)
        admit = AdmitOutsider(kept.tenant_id, source, outsider, wanted.makes_users, request.origin)
        answer = await ask_below(self.identity, admit, "identity")
        if isinstance(answer, User):
            return answer
        if isinstance(answer, Unavailable):
            raise Unreachable(answer.detail)
        raise Untrusted(answer.reason if isinstance(answer, NotAdmitted) else answer.detail)

    async def _issue(
        self,
        kept: providers.Kept,
        attempt: store.Attempt,
        request: FinishSignIn,
        user: User,
        code: str,
    ) -> None:
        until = self.clock.now() + timedelta(seconds=rules.TICKET_SECONDS)
        ticket = store.Ticket(
            request.provider_id, user.user_id, attempt.challenge, rules.digest(code), until
        )
        principal = Principal(
            kept.tenant_id, user.user_id, user.login, user.is_admin, request.provider_id
        )

        async def work(tx: Transaction) -> None:
            await store.insert_ticket(tx, kept.tenant_id, ticket)
            event = SignedIn(request.provider_id, 0, user.user_id, user.login)
            caller = Caller(principal, request.origin)
            await self.outbox.append(tx, kept.tenant_id, [event], caller)

        await self.database.transact(kept.tenant_id, work)

    async def _tell_failed(self, kept: providers.Kept, request: FinishSignIn, reason: str) -> None:
        event = SignInFailed(request.provider_id, 0, reason[:512], request.origin.address)

        async def work(tx: Transaction) -> None:
            await self.outbox.append(tx, kept.tenant_id, [event], None)

        await self.database.transact(kept.tenant_id, work)

    @handles(RedeemSignIn)
    async def redeem_sign_in(self, request: RedeemSignIn) -> SignInRedeemed:
        """Judge the client that comes for its session; a wrong one ends the sign-in."""
        code_hash, now = rules.digest(request.code), self.clock.now()

        async def whose(tx: Transaction) -> TenantId | None:
            return await store.tenant_of_ticket(tx, code_hash)

        tenant_id = await self.database.read(None, whose)
        if tenant_id is None:
            raise Refused(SignInRefused())

        async def take(tx: Transaction) -> tuple[UserId, str] | None:
            return await store.take_ticket(tx, tenant_id, code_hash, now)

        taken = await self.database.transact(tenant_id, take)
        given = rules.challenge_of(request.verifier)
        if taken is None or not hmac.compare_digest(given, taken[1]):
            raise Refused(SignInRefused())
        return SignInRedeemed(tenant_id, taken[0])

    @contextmanager
    def _waits_for(self, provider_id: UUID) -> Iterator[None]:
        if self._waiting[provider_id] >= _AT_ONCE:
            raise Refused(Unavailable("the identity provider"))
        self._waiting[provider_id] += 1
        try:
            yield
        finally:
            self._waiting[provider_id] -= 1
            if not self._waiting[provider_id]:
                del self._waiting[provider_id]


def _asking(
    kept: providers.Kept, endpoint: str, redirect_uri: str, state: str, browser: str
) -> str:
    """Return the URL of an authorization request."""
    wanted = kept.provider.terms
    query = urlencode(
        {
            "response_type": "code",
            "client_id": wanted.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(wanted.scopes),
            "state": state,
            "nonce": rules.nonce_of(browser),
            "code_challenge": rules.challenge_of(rules.verifier_of(browser)),
            "code_challenge_method": "S256",
        }
    )
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"


def _back(attempt: store.Attempt, **told: str) -> SignInFinished:
    query = urlencode({**told, "state": attempt.client_state})
    return SignInFinished(f"{attempt.return_to}{'&' if '?' in attempt.return_to else '?'}{query}")


def _printable(text: str) -> str:
    return "".join(c for c in text[:_MOST_ERROR] if c.isprintable())
