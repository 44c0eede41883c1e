"""The ways this runtime says no. A small flat set; each says who raises it and what to do."""

__all__ = [
    "ActorDied",
    "AskTimeout",
    "ChildAlreadyPresent",
    "ChildNotFound",
    "ChildRunning",
    "DuplicateHandler",
    "GaveUp",
    "InvalidSpec",
    "MailboxFull",
    "NameTaken",
    "NotRunning",
    "ProcessExited",
    "Relayed",
    "Shutdown",
    "StartFailed",
    "UnknownMessage",
]


class ActorDied(Exception):  # noqa: N818 - OTP's word for it, and the reader's
    """Raised by `Ref.ask`: the actor ended while the request was queued or running.

    The request may have taken effect or not. Repeat it only if it is idempotent.

    Attributes:
        name: The registered name that was asked.
        cause: The type name of the exception that killed the actor, "killed" or "stopped".
    """

    def __init__(self, name: str, cause: str) -> None:
        """Keep who died and of what."""
        super().__init__(f"actor {name!r} died before it answered: {cause}")
        self.name = name
        self.cause = cause


class NotRunning(ActorDied):
    """Raised by `Ref.ask`, `Ref.tell` and `Supervisor` calls: nobody lives under this name now.

    Nothing was done, so repeating is safe: the actor is restarting, stopping or was never started.
    """

    def __init__(self, name: str) -> None:
        """Keep the name that nobody answers to."""
        super().__init__(name, "not running")


class AskTimeout(Exception):  # noqa: N818 - said as the asker would say it
    """Raised by `Ref.ask`: no answer within the deadline.

    A request still queued was dropped unhandled; a running one goes on (ADR-0003), so its effect
    is unknown, as with `ActorDied`.
    """


class MailboxFull(Exception):  # noqa: N818 - said as the asker would say it
    """Raised by `Ref.ask` and `Ref.tell`: the mailbox holds `capacity` requests already.

    Overload is a refusal, not growth. Nothing was done; come back later, or tell the caller to.
    """


class Relayed(Exception):  # noqa: N818 - says what happened
    """Raised by a handler that asked on for its asker, who gets `error`; nobody dies of it.

    Attributes:
        error: What `Ref.ask` raises at the asker.
    """

    def __init__(self, error: ActorDied | AskTimeout | MailboxFull) -> None:
        """Keep what the asker gets."""
        super().__init__(str(error))
        self.error = error


class UnknownMessage(TypeError):  # noqa: N818 - said as the asker would say it
    """Raised by `Ref.ask` and `Ref.tell`: no `@handles` method takes this type. Fix the caller."""


class DuplicateHandler(TypeError):  # noqa: N818 - names the fault
    """Raised when an `Actor` class is made: two methods handle one type. Fix the class."""


class NameTaken(Exception):  # noqa: N818 - names the fault
    """Raised by `Registry` when a live actor holds the name already. Fix the tree."""


class InvalidSpec(ValueError):  # noqa: N818 - names the fault
    """Raised when a spec is built, before anything starts: what it says contradicts itself."""


class StartFailed(Exception):  # noqa: N818 - OTP's word
    """Raised by a supervisor whose child did not start, and by `start_child`.

    The children started before it have been stopped. The cause is `__cause__`.

    Attributes:
        path: The child that did not start.
    """

    def __init__(self, path: str, why: str) -> None:
        """Keep which child and why."""
        super().__init__(f"{path} did not start: {why}")
        self.path = path


class Shutdown(Exception):  # noqa: N818 - OTP's exit reason
    """Raised by a child to say that it ends on purpose (OTP's exit reason `shutdown`).

    A permanent child is restarted all the same, a transient one is not.
    """


class GaveUp(Shutdown):
    """Raised by a supervisor that has restarted too often; its children are stopped by then.

    The level above decides; raised out of `run_tree` it should end the OS process.

    Attributes:
        path: The supervisor that gave up.
    """

    def __init__(self, path: str, why: str) -> None:
        """Keep which supervisor and why."""
        super().__init__(f"{path} gave up: {why}")
        self.path = path


class ChildNotFound(LookupError):  # noqa: N818 - OTP's not_found
    """Raised by `Supervisor` calls: no child has this id."""


class ChildAlreadyPresent(ValueError):  # noqa: N818 - OTP's already_present
    """Raised by `Supervisor.start_child`: a child with this id exists; delete it first."""


class ChildRunning(RuntimeError):  # noqa: N818 - OTP's running
    """Raised by `restart_child` and `delete_child`: the child runs; terminate it first."""


class ProcessExited(Exception):  # noqa: N818 - names the fact
    """Raised by a `process` child whose OS process ended without being asked to.

    Attributes:
        code: Exit code; negative is the signal that killed it.
    """

    def __init__(self, name: str, code: int) -> None:
        """Keep which program and its exit code."""
        super().__init__(f"process {name!r} exited with code {code}")
        self.code = code
