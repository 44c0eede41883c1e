"""What clients do to trees, and what they read: each request is written down for the oracle."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bitvault.actors.files.contract import (
    Apply,
    Content,
    ContentDraft,
    CopyNode,
    GetContents,
    GetNode,
    IfExists,
    ListChildren,
    MakeFolder,
    MoveNode,
    Node,
    PurgeEntry,
    RestoreEntry,
    RestoreVersion,
    Target,
    TrashNode,
    Written,
)
from bitvault.drivers.objects.port import Signed
from bitvault.kernel.ids import NodeId
from bitvault.kernel.paging import Page
from bitvault.kernel.refusal import Refusal
from tests.simulation.client import Client
from tests.simulation.observations import (
    Answer,
    Done,
    Listed,
    No,
    Observation,
    Step,
    Unknown,
    hash_of,
)
from tests.simulation.plans import Op

_NOT_FOUND = 404


def answer_of(reply: Any) -> Answer:
    """Say a reply in the oracle's words."""
    match reply:
        case Refusal():
            return No(reply.code)
        case Written():
            node, position = reply.node, reply.position
            seq = position.seq if position else None
            return Done(node.node_id, seq, node.version, node.name, reply.entry_id)
        case Node():
            return Done(reply.node_id, None, reply.version, reply.name)
        case Page():
            parents = {node.parent_id for node in reply.items}
            return Listed(min(parents, default=None), tuple(node.name for node in reply.items))
        case Unknown():
            return reply
    raise AssertionError(f"no such reply is known: {reply!r}")


async def change_tree(client: Client, op: Op, request: str) -> None:
    """Apply an operation, or a batch of them, under one Idempotency-Key."""
    steps = [_step(client, each) for each in (op.steps or (op,))]
    if None in steps:
        return
    sent = [step for step in steps if step is not None]
    operations = tuple(_OPERATIONS[step.kind](step) for step in sent)
    observation = client.begin(request, sent)
    reply = await client.ask(
        "files",
        lambda who: Apply(client.caller(who, request, request, operations), operations),
        observation,
        gives_up=op.gives_up,
    )
    client.finish(observation)
    replies = reply if isinstance(reply, tuple) else (reply,) * len(sent)
    observation.answers = [answer_of(each) for each in replies]
    _learn(client, observation, request)


def _learn(client: Client, observation: Observation, request: str) -> None:
    known = client.common.nodes.setdefault(client.tenant, [])
    for answer in observation.answers:
        if isinstance(answer, Done):
            known.append(answer.node_id)
            if answer.entry:
                client.entries.append(answer.entry)
    if not any(isinstance(answer, Unknown) for answer in observation.answers):
        client.spent.append(request)


def _step(client: Client, op: Op) -> Step | None:
    """Fill in what the script could not know; None when there is nothing to do it to."""
    entry, version = None, None
    if op.kind in ("restore", "purge"):
        if not client.entries:
            return None
        entry = client.entries.pop()
    if op.kind == "revert":
        version = max(1, client.known.get(op.path, 1) - 1)
    return Step(op.kind, op.path, op.to, op.name, op.if_exists, entry, version)


def _at(path: str) -> Target:
    return Target(path=path)


def _name(step: Step) -> str | None:
    return step.name or None


_OPERATIONS: Mapping[str, Callable[[Step], Any]] = {
    "mkdir": lambda s: MakeFolder(target=_at(s.path), parents=True, exist_ok=True),
    "move": lambda s: MoveNode(_at(s.path), _at(s.to), _name(s), IfExists(s.if_exists)),
    "trash": lambda s: TrashNode(_at(s.path)),
    "restore": lambda s: RestoreEntry(
        s.entry, _at(s.to) if s.to else None, _name(s), IfExists(s.if_exists)
    ),
    "purge": lambda s: PurgeEntry(s.entry),
    "copy": lambda s: CopyNode(_at(s.path), _at(s.to), _name(s), IfExists(s.if_exists)),
    "revert": lambda s: RestoreVersion(_at(s.path), s.version),
}


async def read_node(client: Client, op: Op, request: str) -> None:
    """Describe a node."""
    await _look(client, op, request, lambda c: GetNode(c, _at(op.path)))


async def read_folder(client: Client, op: Op, request: str) -> None:
    """List a folder."""
    await _look(client, op, request, lambda c: ListChildren(c, _at(op.path)))


async def _look(client: Client, op: Op, request: str, build: Callable[[Any], Any]) -> None:
    observation = client.begin(request, [Step(op.kind, op.path)])
    reply = await client.ask("files", lambda who: build(client.caller(who, request)))
    client.finish(observation)
    observation.answers = [answer_of(reply)]


async def download(client: Client, op: Op, request: str) -> None:
    """Fetch a file's bytes, and see whether they are what they are said to be."""
    path = op.path if op.path in client.known else next(iter(client.known), op.path)
    observation = client.begin(request, [Step("get", path)])
    drafts = (ContentDraft(_at(path)),)
    reply = await client.ask("files", lambda who: GetContents(client.caller(who, request), drafts))
    client.finish(observation)
    content = reply[0] if isinstance(reply, tuple) else reply
    if not isinstance(content, Content):
        observation.answers = [answer_of(content)]
        return
    observation.answers = [answer_of(content.node)]
    signed = Signed(content.method, content.url, content.headers, content.expires_at)
    answer = await client.common.wire.get(signed)
    knobs = client.world.plan.knobs
    if answer.status == _NOT_FOUND and knobs.grace == 0.0:
        return  # collected meanwhile: without any grace that is what has to be expected
    if not answer.accepted or content.hash != hash_of(answer.body, knobs.single_max, knobs.part):
        client.world.found.append(f"I1 {request} got {answer.status} for {content.hash}")
    client.world.saw("a download was compared")


async def pry(client: Client, op: Op, request: str) -> None:
    """Ask for another tenant's node: it must not exist for us."""
    others = [ids for tenant, ids in client.common.nodes.items() if tenant != client.tenant]
    ids = [one for each in others for one in each]
    if not ids:
        return
    target = Target(node_id=NodeId(client.rng.choice(ids)))
    observation = client.begin(request, [Step("foreign")])
    reply = await client.ask("files", lambda who: GetNode(client.caller(who, request), target))
    client.finish(observation)
    observation.answers = [answer_of(reply)]
    client.world.saw("a foreign node was asked for")


async def reuse_key(client: Client, op: Op, request: str) -> None:
    """Use a spent key for something else: a mistake that must be told and change nothing."""
    if not client.spent or not client.common.keeps_keys:
        return
    key = client.rng.choice(client.spent)
    operations = (MakeFolder(target=_at("/never"), parents=True),)
    observation = client.begin(request, [Step("reuse")])
    reply = await client.ask(
        "files", lambda who: Apply(client.caller(who, request, key, "else"), operations)
    )
    client.finish(observation)
    observation.answers = [answer_of(reply[0] if isinstance(reply, tuple) else reply)]
    client.world.saw("a spent key was used again")


Doing = Callable[[Client, Op, str], Awaitable[None]]
DOING: Mapping[str, Doing] = {
    **dict.fromkeys((*_OPERATIONS, "batch"), change_tree),
    "get": read_node,
    "list": read_folder,
    "download": download,
    "foreign": pry,
    "reuse": reuse_key,
}
