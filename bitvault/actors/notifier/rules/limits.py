"""How many mails are too many: for a recipient, by a sender, of a tenant, at an address.

What is over a limit is dropped, where admins see it, and nothing is refused because of it: whatever
the mail would have told of has been done.
"""

from hashlib import sha256
from typing import Final
from uuid import UUID

from bitvault.actors.notifier.rules.queueing import Draft
from bitvault.kernel.limits import Charge, Limit

_HOUR: Final = 3600
_WAITED_FOR = Limit("recipient", 6 / _HOUR, 5)
_RECIPIENT = Limit("recipient", 20 / _HOUR, 20)
_ADDRESS = Limit("address", 20 / _HOUR, 20)
_SENDER: Final = {
    "invitation": Limit("sender", 500 / _HOUR, 500),
    "share": Limit("sender", 200 / _HOUR, 200),
}
_TENANT: Final = Limit("tenant", 2000 / _HOUR, 2000)
_KEPT_OF_DIGEST: Final = 32

OVER: Final = "too many mails like this one: over a limit of this recipient, sender or tenant"
OVER_AT_ADDRESS: Final = "too many mails like this one at this address"


def queued(draft: Draft, by: UUID | None) -> tuple[Charge, ...]:
    """Return what a mail is charged to before it is queued; ``by``: who caused it.

    Each kind has limits of its own: nobody can use up those of what would give them away.
    """
    is_waited_for = draft.kind in {"reset", "invitation", "confirmation"}
    limit = _WAITED_FOR if is_waited_for else _RECIPIENT
    charges = [Charge(f"{draft.kind} to {draft.recipient_id}", limit)]
    # What a user causes for others; the rest is about oneself, and has one's own limit.
    if (of_sender := _SENDER.get(draft.kind)) is not None:
        charges += [Charge(f"{draft.kind} by {by}", of_sender), Charge(draft.kind, _TENANT)]
    return tuple(charges)


def sent(kind: str, address: str) -> tuple[Charge, ...]:
    """Return what a mail is charged to once it is known where it goes; the address is not kept.

    Many invitations may have one address, and many users may propose it.
    """
    digest = sha256(address.casefold().encode()).hexdigest()[:_KEPT_OF_DIGEST]
    return (Charge(f"{kind} at {digest}", _ADDRESS),)
