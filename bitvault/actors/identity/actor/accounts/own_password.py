"""Proving and changing the password of the caller."""

from attrs import define

from bitvault.actors.identity import rules
from bitvault.actors.identity.actor.accounts.access import AccountAccess
from bitvault.actors.identity.actor.accounts.attempts import Attempts
from bitvault.actors.identity.actor.principals import Principals
from bitvault.actors.identity.contract import BadCredentials, ChangePassword, PasswordChanged
from bitvault.actors.identity.rules import IdentityOptions
from bitvault.actors.identity.rules.guessing import own_guess
from bitvault.actors.identity.store import accounts, credentials, mailboxes
from bitvault.drivers.passwords.port import Passwords
from bitvault.drivers.postgres.port import Database, Transaction
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Refused
from bitvault.outbox import Outbox
from supervisors import handles


@define(eq=False)
class OwnPassword:
    """What a stolen session is not enough for."""

    database: Database
    outbox: Outbox
    passwords: Passwords
    options: IdentityOptions
    access: AccountAccess
    attempts: Attempts
    principals: Principals

    async def proven(self, caller: Caller, password: str) -> accounts.Account:
        """Return the caller's account, whose password this is: a stolen session may try it."""
        account = await self.access.account_of(caller)
        spent = own_guess(self.options, caller.principal)
        await self.attempts.take(spent)
        given = rules.normal_password(password)
        if not await self.passwords.verify(account.password_hash, given):
            raise Refused(BadCredentials())
        await self.attempts.give_back(spent)
        return account

    @handles(ChangePassword)
    async def change_password(self, request: ChangePassword) -> None:
        """Change the password; every other session of the user ends."""
        principal = request.caller.principal
        least = (await self.access.policy(principal.tenant_id)).min_password
        new = rules.checked_password("newPassword", request.new, least)
        account = await self.proven(request.caller, request.current)
        phc = await self.passwords.hash(new)

        async def work(tx: Transaction) -> None:
            if not await accounts.set_password(tx, account, phc):
                raise Refused(BadCredentials())
            await credentials.delete_other_sessions(tx, principal)
            await mailboxes.drop_reset(tx, principal.tenant_id, principal.user_id)
            event = PasswordChanged(principal.user_id, 0)
            await self.outbox.append(tx, request.caller.tenant_id, [event], request.caller)

        await self.database.transact(principal.tenant_id, work)
        self.principals.forget(principal.tenant_id, principal.user_id)
