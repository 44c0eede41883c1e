"""Signing in: the authorization code flow with PKCE, state and nonce, and a code for the client."""

import hmac
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from attrs import define, field, frozen

from bitvault.actors.identity.contract import (
    AdmitOutsider,
    LocateTenant,
    NotAdmitted,
    Outsider,
    User,
)
from bitvault.actors.room import ask_below
from bitvault.actors.sso.actor.access import ProviderAccess
from bitvault.actors.sso.actor.exchange import Exchange
from bitvault.actors.sso.actor.homes import Homes
from bitvault.actors.sso.actor.removals import Removals
from bitvault.actors.sso.contract import (
    BeginSignIn,
    FinishSignIn,
    ListWays,
    ProviderNotFound,
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
from bitvault.actors.sso.rules.failures import Failures
from bitvault.actors.sso.rules.tokens import Untrusted, check_sender, sid_of
from bitvault.actors.sso.store import providers
from bitvault.actors.sso.store import sign_ins as store
from bitvault.drivers.outgoing.port import Outgoing, Unreachable
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.drivers.sealing.port import Sealing
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import Ids, TenantId
from bitvault.kernel.principal import Caller, Origin, Principal
from bitvault.kernel.refusal import Refusal, Refused, Unavailable
from bitvault.outbox import Outbox
from bitvault.text import is_printable
from supervisors import Ref, handles

_MOST_ERROR = 64


@frozen
class _Vouched:
    """Whom a provider vouches for, as its subject and in its session, and what was passed over."""

    caller: Caller
    subject: str
    sid: str | None
    remark: str


@define(eq=False)
class SignIns:
    """From nobody to a user."""

    database: Database
    outbox: Outbox
    identity: Ref
    outgoing: Outgoing
    sealing: Sealing
    clock: Clock
    ids: Ids
    base_url: Callable[[], str]
    """How browsers reach this server, without a last slash."""
    access: ProviderAccess
    homes: Homes
    removals: Removals
    _failures: Failures = field(factory=Failures, init=False)

    @handles(ListWays)
    async def list_ways(self, request: ListWays) -> tuple[Way, ...]:
        """List how users of a tenant may sign in."""
        tenant_id = await ask_below(self.identity, LocateTenant(request.tenant), "identity")
        if isinstance(tenant_id, Refusal):
            return ()

        async def work(tx: Transaction) -> tuple[providers.Kept, ...]:
            return await providers.providers(tx, tenant_id)

        found = (kept.provider for kept in await self.database.read(tenant_id, work))
        return tuple(Way(one.provider_id, one.terms.name) for one in found if not one.is_leaving)

    @handles(BeginSignIn)
    async def begin_sign_in(self, request: BeginSignIn) -> SignInBegun:
        """Send a browser to a provider."""
        return_to = terms.checked_return(request.return_to)
        challenge = terms.checked_challenge(request.challenge)
        client_state = terms.checked_state(request.client_state)
        kept = await self.access.serving(request.provider_id)
        with self.access.waits_for(kept.tenant_id, "sign-in"):
            metadata = await self.access.metadata(kept)
        base = self.base_url()
        redirect_uri = f"{base}/v1/sso/{request.provider_id}/callback"
        attempt = store.Attempt(return_to, client_state, challenge, redirect_uri)
        state, browser = rules.encoded(self.ids.secret(32)), rules.encoded(self.ids.secret(32))
        now = self.clock.now()

        async def work(tx: Transaction) -> None:
            await store.drop_old(tx, kept.tenant_id, now)
            is_kept = await store.insert_attempt(
                tx,
                kept.tenant_id,
                request.provider_id,
                attempt,
                state_hash=rules.digest(state),
                browser_hash=rules.digest(browser),
                expires_at=now + timedelta(seconds=rules.ATTEMPT_SECONDS),
            )
            if not is_kept:
                raise Refused(ProviderNotFound(str(request.provider_id)))

        await self.database.transact(kept.tenant_id, work)
        location = _asking(kept, metadata.authorization_endpoint, redirect_uri, state, browser)
        return SignInBegun(location, browser, base.startswith("https://"))

    @handles(FinishSignIn)
    async def finish_sign_in(self, request: FinishSignIn) -> SignInFinished:
        """Take up what a browser brings: it goes on to its client with a code, or an error."""
        kept = await self._found(request.provider_id)
        if self.base_url().startswith("https://") and not request.is_host_bound:
            raise Refused(SignInRefused())
        with self.access.waits_for(kept.tenant_id, "sign-in"):
            attempt = await self._attempt(kept, request)
            try:
                vouched = await self._vouched(kept, attempt, request)
            except (Untrusted, Unreachable) as error:
                await self._tell_failed(kept, request, error.reason)
                refused = isinstance(error, Untrusted)
                return _back(attempt, error="sign_in_refused" if refused else "unavailable")
        code = rules.encoded(self.ids.secret(32))
        if not await self._issue(kept, attempt, vouched, code):
            await self.removals.take_back(vouched.caller, request.provider_id)
            raise Refused(SignInRefused())
        return _back(attempt, code=code)

    async def _found(self, provider_id: UUID) -> providers.Kept:
        try:
            return await self.access.serving(provider_id)
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
    ) -> _Vouched:
        """Return whom the provider vouches for; they may have been made just now."""
        wanted, parameters = kept.provider.terms, request.parameters
        metadata = await self.access.issuers.metadata(wanted.issuer)
        check_sender(parameters, wanted.issuer, is_told=metadata.tells_issuer)
        if "code" not in parameters:
            raise Untrusted(f"the provider says: {_printable(parameters.get('error', 'no code'))}")
        exchange = Exchange(self.outgoing, self.sealing, self.access.issuers, kept, metadata)
        claims = await exchange.claims(
            parameters["code"],
            attempt.redirect_uri,
            request.browser_secret,
            self.clock.now().timestamp(),
        )
        rules.check_domain(claims, wanted)
        user = await self._admitted(kept, claims, request.origin)
        who = Principal(
            kept.tenant_id, user.user_id, user.login, user.is_admin, request.provider_id
        )
        caller = Caller(who, request.origin)
        remark = await self.homes.sync(kept, claims, caller)
        return _Vouched(caller, claims["sub"], sid_of(claims), remark)

    async def _admitted(
        self, kept: providers.Kept, claims: Mapping[str, Any], origin: Origin
    ) -> User:
        wanted = kept.provider.terms
        outsider = Outsider(
            wanted.issuer,
            claims["sub"],
            rules.login_of(claims, wanted),
            rules.display_name_of(claims),
            rules.groups_of(claims, wanted),
            rules.external_id_of(claims, wanted),
        )
        source = str(kept.provider.provider_id)
        admit = AdmitOutsider(kept.tenant_id, source, outsider, wanted.makes_users, origin)
        answer = await ask_below(self.identity, admit, "identity")
        if isinstance(answer, User):
            return answer
        if isinstance(answer, Unavailable):
            raise Unreachable(answer.detail)
        raise Untrusted(answer.reason if isinstance(answer, NotAdmitted) else answer.detail)

    async def _issue(
        self, kept: providers.Kept, attempt: store.Attempt, vouched: _Vouched, code: str
    ) -> bool:
        """Keep the sign-in for its client; False when the provider was removed meanwhile."""
        provider_id, who = kept.provider.provider_id, vouched.caller.principal
        until = self.clock.now() + timedelta(seconds=rules.TICKET_SECONDS)
        ticket = store.Ticket(
            provider_id,
            who.user_id,
            attempt.challenge,
            rules.digest(code),
            until,
            vouched.subject,
            vouched.sid,
        )

        async def work(tx: Transaction) -> bool:
            if not await store.insert_ticket(tx, kept.tenant_id, ticket):
                return False
            event = SignedIn(provider_id, 0, who.user_id, who.login, vouched.remark)
            await self.outbox.append(tx, kept.tenant_id, [event], vouched.caller)
            return True

        return await self.database.transact(kept.tenant_id, work)

    async def _tell_failed(self, kept: providers.Kept, request: FinishSignIn, reason: str) -> None:
        count = self._failures.told(request.provider_id, self.clock.now())
        if not count:
            return
        address = request.origin.address
        event = SignInFailed(request.provider_id, 0, reason[:512], address, count)

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

        async def take(tx: Transaction) -> store.Taken | None:
            return await store.take_ticket(tx, tenant_id, code_hash, now)

        taken = await self.database.transact(tenant_id, take)
        given = rules.challenge_of(request.verifier)
        if taken is None or not hmac.compare_digest(given, taken.challenge):
            raise Refused(SignInRefused())
        return SignInRedeemed(tenant_id, taken.user_id, taken.provider_id, taken.sid)


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
    return "".join(c for c in text[:_MOST_ERROR] if is_printable(c))
