"""Identity, for those who run it."""

from collections.abc import Sequence

from bitvault.actors.identity.actor import Identity
from bitvault.actors.identity.actor.accounts.failed_login_publisher import (
    FailedLoginTimer,
    failed_login_child,
)
from bitvault.actors.identity.rules import IdentityOptions
from bitvault.kernel.erasure import Phase
from bitvault.kernel.export import ExportKind
from bitvault.kernel.settings import Settings
from bitvault.manifest import Context, JobSpec, Manifest
from supervisors import ChildSpec


def _options(settings: Settings) -> IdentityOptions:
    sessions, limits = settings.sessions, settings.limits
    return IdentityOptions(
        sessions.ttl,
        sessions.idle_ttl,
        limits.password_guesses,
        limits.password_seconds,
        sends_mail=bool(settings.mail.host),
        access_ttl=sessions.access_ttl,
    )


def _make(here: Context[IdentityOptions]) -> Identity:
    wiring = here.wiring
    return Identity(
        wiring.database,
        wiring.passwords,
        wiring.clock,
        wiring.ids,
        wiring.limits,
        here.options,
        wiring.wakeups,
    )


def _workers(here: Context[IdentityOptions]) -> Sequence[ChildSpec]:
    turns = here.wiring.board.turns("doorbell")
    return [failed_login_child(FailedLoginTimer(here.ref("identity"), turns=turns))]


IDENTITY = Manifest(
    package=__package__,
    actor=Identity,
    make=_make,
    options=_options,
    workers=_workers,
    jobs=(JobSpec("doorbell", "publishes how often passwords were guessed at"),),
    erasure=Phase.TENANT,
    exports=(
        ExportKind("user"),
        ExportKind("group"),
        ExportKind("membership", (str, str)),
    ),
)
