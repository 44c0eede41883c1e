"""One run: every step goes to the model and to the room, and their answers are compared."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from attrs import define, evolve, field

from bitvault.actors.files import contract as c
from bitvault.actors.storage.contract import BytesMismatch, BytesMissing
from bitvault.drivers.postgres.pool import PostgresDatabase
from bitvault.kernel.ids import NodeId
from bitvault.kernel.principal import Idempotency
from bitvault.kernel.refusal import IdempotencyConflict, Refusal
from tests.model import steps as s
from tests.model.model import Model
from tests.model.tree import No, Node, Upload
from tests.model.truth import Truth, expected_node, shown
from tests.model.world import HASH_OF, TEXT_OF, World

T = TypeVar("T")
_ANY = 3
_ROLES = (None, c.Role.VIEWER, c.Role.EDITOR)


@define(eq=False)
class Session:
    """An upload in both worlds."""

    upload: Upload
    opened: c.UploadOpened
    sent: bool = False
    answer: c.Written | None = None


@define(eq=False)
class Asked:
    """A request that came with an Idempotency-Key, and what it was answered."""

    send: Callable[[Idempotency], Any]
    key: Idempotency
    answer: Any
    sessions: list[Session | None] = field(factory=list)


@define(eq=False)
class Run:
    """Both worlds, and what a client of theirs remembers."""

    world: World
    model: Model
    nodes: list[UUID] = field(factory=list)
    entries: list[UUID] = field(factory=list)
    sessions: list[Session] = field(factory=list)
    asked: dict[tuple[int, str], Asked] = field(factory=dict)
    seen: Counter[str] = field(factory=Counter)
    """What kinds of steps had what kinds of answers."""
    positions: dict[int, UUID] = field(factory=dict)
    """The event each write was said to be, and the node it was about."""

    def __attrs_post_init__(self) -> None:
        """Know the roots."""
        self.nodes = [space.root.node_id for space in self.model.spaces if space.root.node_id]

    async def step(self, step: s.Step) -> None:
        """Do one step in both worlds."""
        match step:
            case s.Do():
                await self._do(step)
            case s.Open():
                await self._open(step.user, step.drafts, step.key)
            case s.Put():
                sessions = await self._open(step.user, step.drafts)
                for session in sessions:
                    await self._send(session)
                if sessions:
                    await self._commit(step.user, sessions, s.Commit(None, ()))
            case s.Again():
                await self._again(step)
            case s.SetRank():
                await self._set_rank(step.rank)
            case s.Expire():
                await self._expire()
            case _ if self.sessions:
                await self._session_step(step)

    async def _session_step(self, step: s.Step) -> None:
        match step:
            case s.Send():
                await self._send(self._session(step.upload))
            case s.Commit():
                picked = dict.fromkeys(map(self._session, step.uploads))
                user = step.user or next(iter(picked)).upload.user
                for session in picked if step.send else ():
                    await self._send(session)
                await self._commit(user, list(picked), step)
            case s.Abort():
                session = self._session(step.upload)
                await self._abort(step.user or session.upload.user, session)

    def _session(self, number: int) -> Session:
        waiting = [one for one in self.sessions if one.upload.state == "open"]
        return _pick(number, waiting, self.sessions)

    # Operations

    async def _do(self, step: s.Do) -> None:
        operations = tuple(self._meant(one, step.user) for one in step.operations)

        async def send(key: Idempotency | None) -> Any:
            return await self.world.ask(c.Apply(self.world.caller(step.user, key), operations))

        answers = await self._first_use(step.user, step.key, operations, send)
        for one, answer in zip(operations, answers or (), strict=answers is not None):
            self._agree(one, _tried(self.model.apply, step.user, one), answer)

    # Uploads

    async def _open(
        self, user: int, sketches: Sequence[c.UploadDraft], key: int | None = None
    ) -> list[Session]:
        drafts = tuple(
            evolve(self._meant(one, user), hash=HASH_OF[one.hash or ""]) for one in sketches
        )

        async def send(key: Idempotency | None) -> Any:
            return await self.world.ask(c.InitUploads(self.world.caller(user, key), drafts))

        answers = await self._first_use(user, key, drafts, send)
        assert answers is None or isinstance(answers, tuple), answers
        pairs = zip(drafts, answers or (), strict=answers is not None)
        sessions = [self._opened(user, draft, answer) for draft, answer in pairs]
        if key is not None and answers is not None:
            self.asked[user, str(key)].sessions = sessions
        return [session for session in sessions if session]

    def _opened(self, user: int, draft: c.UploadDraft, answer: Any) -> Session | None:
        expected = _tried(self.model.init, user, draft)
        if not isinstance(expected, Upload):
            assert isinstance(answer, c.UploadUnneeded | Refusal), answer
            self._agree(draft, expected, getattr(answer, "written", answer))
            return None
        assert isinstance(answer, c.UploadOpened), answer
        self.seen["opened"] += 1
        self.sessions.append(Session(expected, answer))
        return self.sessions[-1]

    async def _send(self, session: Session) -> None:
        if session.upload.state == "open":
            text = TEXT_OF[session.upload.draft.hash or ""]
            await self.world.send(session.opened.transfers[0], text)
            session.sent = True

    async def _commit(self, user: int, picked: Sequence[Session], step: s.Commit) -> None:
        claims = tuple(
            c.UploadCommit(one.opened.upload_id, _claimed(one, step), if_exists=step.if_exists)
            for one in picked
        )
        answers = await self.world.ask(c.CommitUploads(self.world.caller(user), claims))
        for session, answer in zip(picked, answers, strict=True):
            if session.answer and session.upload.user == user and not step.lie:
                assert answer == session.answer
                self.seen["a repeated commit"] += 1
                continue
            expected = self._committed(user, session, step)
            self._agree("Commit", expected, answer)
            if isinstance(answer, c.Written):
                session.answer = answer

    def _committed(self, user: int, session: Session, step: s.Commit) -> Node | Refusal:
        upload = session.upload
        if upload.user == user and step.lie and upload.state in {"open", "committed"}:
            return BytesMismatch("hash")
        if upload.user == user and upload.state == "open" and not session.sent:
            return BytesMissing()
        return _tried(self.model.commit, user, upload, step.if_exists)

    async def _abort(self, user: int, session: Session) -> None:
        message = c.AbortUpload(self.world.caller(user), session.opened.upload_id)
        answer, upload = await self.world.ask(message), session.upload
        if upload.user != user:
            assert answer == c.UploadNotFound()
        elif upload.state == "committed":
            assert answer == c.UploadClosed("committed")
        else:
            assert answer is None
            upload.state = "aborted" if upload.state == "open" else upload.state
        self.seen["Abort"] += 1

    async def _expire(self) -> None:
        waiting = [one for one in self.model.uploads if one.state == "open"]
        assert await self.world.expire() == len(waiting)
        for upload in waiting:
            upload.state = "expired"
        self.asked.clear()  # keys live for a day
        self.seen["expired"] += len(waiting)

    # Idempotency

    async def _first_use(
        self, user: int, key: int | None, body: Any, send: Callable[[Any], Any]
    ) -> Any:
        """Send it; answer None when its key was used before, by then compared as a repeat."""
        if key is None:
            return await send(None)
        idempotency = Idempotency(str(key), repr(body).encode())
        before = self.asked.get((user, idempotency.key))
        if before is not None:
            await self._repeat(evolve(before, send=send, key=idempotency), before.key)
            return None
        answer = await send(idempotency)
        self.asked[user, idempotency.key] = Asked(send, idempotency, answer)
        return answer

    async def _again(self, step: s.Again) -> None:
        if not self.asked:
            return
        before = list(self.asked.values())[step.request % len(self.asked)]
        changed = evolve(before.key, fingerprint=b"other")
        await self._repeat(evolve(before, key=changed if step.changed else before.key), before.key)

    async def _repeat(self, again: Asked, first: Idempotency) -> None:
        answer = await again.send(again.key)
        if again.key != first:
            assert answer == IdempotencyConflict()
            self.seen["a key reused"] += 1
            return
        sessions = again.sessions or [None] * len(answer)
        for session, one, earlier in zip(sessions, answer, again.answer, strict=True):
            assert one == earlier if session is None else _repeated_init(session, one)
            self.seen["a repeat" if session is None else "a repeated init"] += 1

    # Members

    async def _set_rank(self, rank: int) -> None:
        team, caller = self.model.spaces[2], self.world.caller(1)
        user, role = self.world.caller(2).principal.user_id, _ROLES[rank]
        if role is None:
            await self.world.ask(c.RemoveMember(caller, team.space_id, user))  # type: ignore[arg-type]
        else:
            await self.world.ask(c.SetMember(caller, team.space_id, user, role))  # type: ignore[arg-type]
        team.ranks[2] = rank

    # Comparing

    def _agree(self, what: Any, expected: Node | Refusal, answer: Any) -> None:
        label = what if isinstance(what, str) else type(what).__name__
        if isinstance(expected, Refusal):
            self.seen[f"{label}: {type(expected).__name__}"] += 1
            assert _figures(answer) == _figures(expected), (what, answer, expected)
            return
        self.seen[f"{label}: done"] += 1
        assert isinstance(answer, c.Written), (answer, expected.path)
        self._hear_of(expected, answer)
        ours, theirs = expected_node(self.model, expected), shown(answer.node)
        assert theirs == ours, (what, theirs, ours)
        if answer.position:
            self.positions[answer.position.seq] = answer.node.node_id

    def _hear_of(self, ours: Node, answer: c.Written) -> None:
        for node, node_id in ((ours, answer.node.node_id), (ours.parent, answer.node.parent_id)):
            if node and node_id and node.node_id is None:
                node.node_id = node_id
                self.nodes.append(node_id)
        made = [entry for entry in self.model.entries if entry.entry_id is None]
        assert len(made) == bool(answer.entry_id), (made, answer)
        if answer.entry_id:
            made[0].entry_id = answer.entry_id
            self.entries.append(answer.entry_id)

    # What the placeholders of a step mean now

    def _meant(self, sketch: T, user: int) -> T:
        changes: dict[str, Any] = {}
        for name in ("target", "parent"):
            target = getattr(sketch, name, None)
            if target and target.node_id is not None:
                node_id = _pick(target.node_id.int, self._likely(sketch, name, user), self.nodes)
                changes[name] = c.Target(node_id=NodeId(node_id))
        if isinstance(sketch, c.RestoreEntry | c.PurgeEntry) and self.entries:
            there = [entry.entry_id for entry in self.model.entries if entry.entry_id]
            changes["entry_id"] = _pick(sketch.entry_id.int, there, self.entries)
        meant: Any = evolve(sketch, **changes)  # type: ignore[type-var]
        for name in ("if_revision", "base_version"):
            number = getattr(meant, name, None)
            if number is not None and number < 0:
                meant = evolve(meant, **{name: self._known(meant.target, user, name, number)})
        return meant  # type: ignore[no-any-return]

    def _likely(self, sketch: Any, name: str, user: int) -> list[UUID]:
        roots = [space.root for space in self.model.spaces if space.ranks.get(user)]
        live = [node for root in roots for node in self.model.below(root)]
        if name == "parent":
            live = [node for node in live if not node.versions]
        elif isinstance(sketch, c.RestoreVersion):
            live = [node for node in live if node.versions]
        else:
            live = [node for node in live if node.parent]
        return [node.node_id for node in live if node.node_id]

    def _known(self, target: c.Target, user: int, name: str, number: int) -> int:
        place = _tried(self.model.existing, user, target)
        if isinstance(place, Refusal):
            return 1
        node = place.node
        current = node.revision if name == "if_revision" else len(node.versions)
        return current if number == s.CURRENT else max(0, current - 1)


def _pick(number: int, likely: Sequence[T], all_known: Sequence[T]) -> T:
    """Mean one of the likely ones most of the time, and now and then any."""
    number, which = divmod(number, 4)
    known = all_known if which == _ANY or not likely else likely
    return known[-1 - number % len(known)]


def _claimed(session: Session, step: s.Commit) -> str:
    truth = session.upload.draft.hash or ""
    return HASH_OF["one" if truth != HASH_OF["one"] else ""] if step.lie else truth


def _tried(act: Callable[..., T], *arguments: Any) -> T | Refusal:
    try:
        return act(*arguments)
    except No as no:
        return no.refusal


def _figures(answer: Any) -> tuple[Any, ...]:
    """What of a refusal has to agree: its kind, and its figures; not how it names things."""
    names = ("current_version", "current_revision", "requested", "available", "version", "state")
    figures = (getattr(answer, name, None) for name in names)
    return (type(answer).__name__, getattr(answer, "needed", None), *figures)


def _repeated_init(session: Session, answer: Any) -> bool:
    """Compare the repeat of an init that opened an upload: the answer follows its state."""
    state = session.upload.state
    if state == "open":
        return bool(answer.upload_id == session.opened.upload_id)
    if state == "committed":
        return bool(answer == c.UploadUnneeded(session.answer))  # type: ignore[arg-type]
    return bool(answer == c.UploadClosed(state))


async def run_plan(database: PostgresDatabase, number: int, plan: Sequence[s.Step]) -> Counter[str]:
    """Run a plan as tenant ``number`` to its end, and compare; answer what was seen.

    Raises:
        AssertionError: the room and the model differ.
    """
    world = World(database, number)
    try:
        run = Run(world, await world.furnished())
        for step in (*s.FURNITURE, *plan):
            await run.step(step)
        await Truth(world, run.model).check(run.positions)
    finally:
        await world.expire()  # noqa: ASYNC102 - nothing cancels a test
    return run.seen + run.model.seen
