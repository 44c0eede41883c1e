"""An OTP-like runtime for Trio: supervised children, actors with mailboxes, OS processes.

    registry = Registry()
    tree = supervisor("root", Flags(Strategy.REST_FOR_ONE, intensity=3, period=60), [
        process("store", lambda: Command(["store", "--data", "x"]), ready=answers),
        actor("files", lambda: Files(...), registry=registry, concurrency=8),
    ])
    await run_tree(tree, observer=log, stop=stop)
    node = await registry.ref("files").ask(GetNode(...), timeout=5)

Children start left to right and stop right to left; a polite stop closes the mailbox, a kill
cancels; more restarts than `intensity` in `period` and the supervisor gives up upwards (ADR-0003).
"""

from supervisors.child import Child, Tree
from supervisors.errors import (
    ActorDied,
    AskTimeout,
    ChildAlreadyPresent,
    ChildNotFound,
    ChildRunning,
    DuplicateHandler,
    GaveUp,
    InvalidSpec,
    MailboxFull,
    NameTaken,
    NotRunning,
    ProcessExited,
    Relayed,
    Shutdown,
    StartFailed,
    UnknownMessage,
)
from supervisors.intensity import add_restart
from supervisors.mailbox import Mailbox, MailboxStatistics, Request
from supervisors.process import Command, RunningProcess, process
from supervisors.registry import Ref, Registry, RegistryStatistics, seconds_left
from supervisors.report import (
    ChildCrashed,
    ChildKilled,
    ChildStarted,
    ChildStopped,
    ChildStuck,
    Observer,
    Report,
    RestartScheduled,
    StartRefused,
    SupervisorGaveUp,
    TreeStarted,
    TreeStopped,
)
from supervisors.server import Actor, ActorStatistics, actor, handles
from supervisors.spec import BRUTAL_KILL, INFINITY, Backoff, ChildSpec, Flags, Restart, Strategy
from supervisors.status import ChildCounts, ChildStatus, SupervisorStatistics
from supervisors.supervisor import Supervisor, supervisor
from supervisors.tree import TreeHandle, run_tree
from supervisors.turns import Bell, Board, Turn, Turns

__all__ = [
    "BRUTAL_KILL",
    "INFINITY",
    "Actor",
    "ActorDied",
    "ActorStatistics",
    "AskTimeout",
    "Backoff",
    "Bell",
    "Board",
    "Child",
    "ChildAlreadyPresent",
    "ChildCounts",
    "ChildCrashed",
    "ChildKilled",
    "ChildNotFound",
    "ChildRunning",
    "ChildSpec",
    "ChildStarted",
    "ChildStatus",
    "ChildStopped",
    "ChildStuck",
    "Command",
    "DuplicateHandler",
    "Flags",
    "GaveUp",
    "InvalidSpec",
    "Mailbox",
    "MailboxFull",
    "MailboxStatistics",
    "NameTaken",
    "NotRunning",
    "Observer",
    "ProcessExited",
    "Ref",
    "Registry",
    "RegistryStatistics",
    "Relayed",
    "Report",
    "Request",
    "Restart",
    "RestartScheduled",
    "RunningProcess",
    "Shutdown",
    "StartFailed",
    "StartRefused",
    "Strategy",
    "Supervisor",
    "SupervisorGaveUp",
    "SupervisorStatistics",
    "Tree",
    "TreeHandle",
    "TreeStarted",
    "TreeStopped",
    "Turn",
    "Turns",
    "UnknownMessage",
    "actor",
    "add_restart",
    "handles",
    "process",
    "run_tree",
    "seconds_left",
    "supervisor",
]
