"""From a queued mail to a mail that can be sent: asks the rooms what is true now."""

from typing import Never, TypeVar
from uuid import UUID

from attrs import frozen

from bitvault.actors.files.contract import GetNode, Target
from bitvault.actors.identity.contract import (
    DescribeFormer,
    DescribeRecipient,
    FindUsers,
    MintConfirmation,
    MintInvitation,
    MintReset,
    Recipient,
    SecretLetter,
)
from bitvault.actors.notifier.rules.queueing import message_id
from bitvault.actors.notifier.rules.writing import Facts, written
from bitvault.actors.notifier.store import Claimed
from bitvault.actors.room import ask_below
from bitvault.drivers.mail.port import Mail
from bitvault.kernel.ids import NodeId, UserId
from bitvault.kernel.principal import Caller, Origin
from bitvault.kernel.refusal import DependencyDown, Refusal, Unavailable
from bitvault.kernel.request import Request
from supervisors import Ref

R = TypeVar("R")
_NOBODY = "nobody is to be told any more: no such user, no address, or used by now"
_MUTED = "the user does without these mails"
_UNSHARED = "it is not shared with the user any more"


@frozen(eq=False)
class Writer:
    """Asks identity and files; ``server`` is where links lead."""

    identity: Ref
    files: Ref
    server: str

    async def write(self, claimed: Claimed) -> Mail | str:
        """Write a mail, with a fresh secret if it carries one; or say why nobody is told.

        Raises:
            DependencyDown: a room, or what it depends on, does not answer.
        """
        if claimed.kind == "invitation":
            return await self._invitation(claimed)
        if claimed.kind in {"reset", "confirmation"}:
            return await self._secret(claimed)
        return await self._notice(claimed)

    async def _invitation(self, claimed: Claimed) -> Mail | str:
        letter = await self._ask(MintInvitation(claimed.tenant_id, claimed.recipient_id))
        if letter is None:
            return _NOBODY
        invited = letter.invited
        facts = Facts(
            self.server,
            tenant=invited.tenant_name,
            login=invited.login,
            by=letter.inviter,
            link=f"{self.server}/invite#{letter.token}",
            until=invited.expires_at,
        )
        return _mail(claimed, invited.email, facts)

    async def _secret(self, claimed: Claimed) -> Mail | str:
        place = claimed.tenant_id, UserId(claimed.recipient_id)
        is_reset = claimed.kind == "reset"
        request: Request[SecretLetter | None, Never] = (
            MintReset(*place) if is_reset else MintConfirmation(*place)
        )
        letter = await self._ask(request)
        if letter is None:
            return _NOBODY
        page = "reset" if is_reset else "confirm"
        facts = Facts(
            self.server,
            name=letter.name,
            tenant=letter.tenant_name,
            login=letter.login,
            link=f"{self.server}/{page}#{letter.token}",
            until=letter.expires_at,
        )
        return _mail(claimed, letter.email, facts)

    async def _notice(self, claimed: Claimed) -> Mail | str:
        who = await self._who(claimed)
        if who is None:
            return _NOBODY
        if claimed.kind in who.muted:
            return _MUTED
        facts = Facts(
            self.server,
            name=who.name,
            tenant=who.tenant_name,
            login=who.principal.login,
            what=claimed.detail.get("name", ""),
            by=claimed.detail.get("from", ""),
        )
        if claimed.kind == "share":
            return await self._share(claimed, who)
        return _mail(claimed, who.email, facts)

    async def _who(self, claimed: Claimed) -> Recipient | None:
        """Say who is told: of a change of the address, whoever had the one before."""
        place = claimed.tenant_id, UserId(claimed.recipient_id)
        former_id = claimed.detail.get("former")
        if former_id is None:
            return await self._ask(DescribeRecipient(*place))
        return await self._ask(DescribeFormer(*place, UUID(former_id)))

    async def _share(self, claimed: Claimed, who: Recipient) -> Mail | str:
        """Look with the recipient's eyes: what was taken back since then is not told."""
        caller, by = Caller(who.principal, Origin("")), UUID(claimed.detail["by"])
        node_id = NodeId(UUID(claimed.detail["node_id"]))
        node = await ask_below(self.files, GetNode(caller, Target(node_id=node_id)), "files")
        if isinstance(node, Unavailable):
            raise DependencyDown(node.dependency, "does not answer")
        if isinstance(node, Refusal):
            return _UNSHARED
        users = await self._ask(FindUsers(caller, (by,), deleted=True))
        facts = Facts(
            self.server,
            name=who.name,
            tenant=who.tenant_name,
            login=who.principal.login,
            by=users[0].display_name if users else "Somebody",
            what=node.name,
            role=claimed.detail["role"],
        )
        return _mail(claimed, who.email, facts)

    async def _ask(self, request: Request[R, Never]) -> R:
        reply = await ask_below(self.identity, request, "identity")
        if isinstance(reply, Unavailable):
            raise DependencyDown(reply.dependency, "does not answer")
        return reply


def _mail(claimed: Claimed, recipient: str, facts: Facts) -> Mail:
    words = written(claimed.kind, facts)
    name = message_id(claimed.kind, claimed.mail_id, claimed.attempts)
    return Mail(name, recipient, words.subject, words.text, words.html)
