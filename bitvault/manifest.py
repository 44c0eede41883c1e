"""What a service says of itself: all that the rest must know to run it (ADR-0037)."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, Generic, TypeVar

from attrs import frozen

from bitvault.kernel.erasure import Phase
from bitvault.kernel.events import Event
from bitvault.kernel.export import ExportKind
from bitvault.kernel.request import Request
from bitvault.kernel.settings import Settings
from bitvault.outbox import Consumer
from bitvault.wiring import Wiring
from supervisors import Actor, ChildSpec, Ref

O = TypeVar("O")  # noqa: E741 - a service's options


@frozen
class JobSpec:
    """Something that is done again and again, for operators to see and to ask for."""

    name: str
    purpose: str
    slice: Request[int, Any] | None = None
    """What the finalizer asks of the service as long as the answer is more than 0; None: a worker
    of its own does the job."""
    counts: str = ""
    """What the slices come to, under the name that operators know."""


@frozen(eq=False)
class Context(Generic[O]):
    """What a service of this process is made from."""

    wiring: Wiring
    options: O
    manifests: Sequence["Manifest[Any]"]
    """Of every service there is, in the order in which they may ask: each the ones before it."""
    everyone: Mapping[str, Any] = {}
    """The options of every service."""

    def of(self, manifest: "Manifest[Any]") -> "Context[Any]":
        """Return what another service is made from."""
        options = self.everyone.get(manifest.name)
        return Context(self.wiring, options, self.manifests, self.everyone)

    @property
    def events(self) -> tuple[type[Event], ...]:
        """Return every event there is."""
        return events_of(self.manifests)

    def ref(self, name: str) -> Ref:
        """Refer to a service."""
        return self.wiring.registry.ref(name)

    def provided(self, port: str) -> Any:
        """Return what another service does inside this one's transactions; None: nobody does."""
        found = [one.provides[port] for one in self.manifests if port in one.provides]
        return found[0](self.wiring) if found else None


def _nothing(_: Settings) -> None:
    """Take no options."""


def _nobody(_: Context[Any]) -> Sequence[ChildSpec]:
    return ()


@frozen(eq=False, kw_only=True)
class Manifest(Generic[O]):
    """One service; its folder has the migrations beside it, if it keeps anything."""

    package: str
    """Its folder; the last part is the name of the service, and of its schema."""
    actor: type[Actor] | None = None
    """Whose handlers are the requests it answers; None: it has workers only."""
    make: Callable[[Context[O]], Actor] | None = None
    options: Callable[[Settings], O | None] = _nothing
    consumers: Mapping[str, Callable[[Context[O]], Consumer]] = {}
    """By the name of their cursor."""
    workers: Callable[[Context[O]], Sequence[ChildSpec]] = _nobody
    jobs: tuple[JobSpec, ...] = ()
    erasure: Phase | None = None
    """When it deletes its rows of a tenant that leaves; None: it has none."""
    exports: tuple[ExportKind, ...] = ()
    """What it tells of a tenant that takes its data along."""
    provides: Mapping[str, Callable[[Wiring], Any]] = {}
    """What it does inside the transactions of others, by the name it has there."""

    @property
    def name(self) -> str:
        """Return what it is asked by."""
        return self.package.rpartition(".")[2]

    @property
    def handles(self) -> frozenset[type]:
        """Return every request it answers."""
        return frozenset(self.actor.handlers if self.actor else ())

    @property
    def requests(self) -> frozenset[type]:
        """Return those that it alone answers: the ones of its contract."""
        own = f"{self.package}."
        return frozenset(one for one in self.handles if one.__module__.startswith(own))

    @property
    def contract(self) -> ModuleType:
        """Return what others may know of it: its messages."""
        return importlib.import_module(f"{self.package}.contract")

    @property
    def events(self) -> tuple[type[Event], ...]:
        """Return the events of its contract, by kind."""
        declared = vars(self.contract).values()
        found = {one for one in declared if isinstance(one, type) and issubclass(one, Event)}
        return tuple(sorted(found - {Event}, key=lambda one: one.kind))


def events_of(manifests: Sequence[Manifest[Any]]) -> tuple[type[Event], ...]:
    """Return every event of these services."""
    return tuple(event for one in manifests for event in one.events)
