"""Every service there is: a new one is its folder, its routes, and a line here."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from bitvault.actors.audit.manifest import AUDIT
from bitvault.actors.files.manifest import FILES
from bitvault.actors.finalizer.manifest import FINALIZER
from bitvault.actors.identity.manifest import IDENTITY
from bitvault.actors.jobs.manifest import JOBS
from bitvault.actors.letters.manifest import LETTERS
from bitvault.actors.notifier.manifest import NOTIFIER
from bitvault.actors.sharing.manifest import SHARING
from bitvault.actors.sso.manifest import SSO
from bitvault.actors.storage.manifest import STORAGE
from bitvault.edge.services import Services
from bitvault.kernel.settings import Settings
from bitvault.manifest import Manifest, events_of
from supervisors import Ref

Manifests = Sequence[Manifest[Any]]

SERVICES: Final[Manifests] = (
    IDENTITY, STORAGE, FILES, SHARING, SSO, AUDIT, LETTERS, NOTIFIER, FINALIZER, JOBS,
)  # fmt: skip
"""In the order in which they may ask: each the ones before it."""


def migrations_of(manifests: Manifests) -> tuple[str, ...]:
    """Return the packages that may have migrations; no schema refers to another."""
    return ("bitvault.outbox", *(one.package for one in manifests))


def options_of(manifests: Manifests, settings: Settings) -> dict[str, Any]:
    """Take from the settings what each service is told."""
    return {one.name: one.options(settings) for one in manifests}


def subjects_of(manifests: Manifests) -> frozenset[str]:
    """Return what events happen to: the first words of their kinds."""
    return frozenset(event.kind.partition(".")[0] for event in events_of(manifests))


def services_of(manifests: Manifests, ref: Callable[[str], Ref]) -> Services:
    """Say for the edges who answers what."""
    return Services(
        {request: ref(one.name) for one in manifests for request in one.requests},
        {kind: ref(one.name) for one in manifests for kind in one.exports},
    )
