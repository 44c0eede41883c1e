"""One run: clients and faults together, then healing, then a week, then what must hold."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import trio
from attrs import define, field, frozen
from structlog.testing import capture_logs

from bitvault.actors.files.contract import CreateSpace, ListSpaces, Role, SetMember, Space
from bitvault.actors.identity.contract import (
    CreateUser,
    DescribeMe,
    EnsureTenant,
    ListUsers,
    User,
)
from bitvault.kernel.ids import SpaceId, UserId
from tests.simulation.access_judge import AccessJudge
from tests.simulation.acting import DOING
from tests.simulation.client import Account, Client, Common, Stuck
from tests.simulation.invariants import (
    broken_bytes,
    broken_quotas,
    broken_rows,
    broken_tree,
    broken_types,
    journals,
    nodes,
    unowned,
)
from tests.simulation.judge import Journal, Judge
from tests.simulation.machine import UPLOAD_TTL, Machine
from tests.simulation.making import Mutant
from tests.simulation.mutants import mutant_named
from tests.simulation.observations import No
from tests.simulation.plans import Plan, Script, expanded
from tests.simulation.rights import moments
from tests.simulation.seams import SimClock, Wire, open_store
from tests.simulation.sessions import Sessions, plain_asyncio
from tests.simulation.sharing import SHARING, compare, said_in
from tests.simulation.uploading import upload
from tests.simulation.world import World, owner, run_world
from tests.support.determinism import SequenceIds

_LAST_SEQ = "SELECT last FROM outbox.tenant_seq WHERE tenant_id = $1"
_ENDS = """
    SELECT 'an upload ' || state AS what FROM files.upload
    UNION ALL SELECT 'moved' FROM outbox.event WHERE kind = 'node.moved'
    UNION ALL SELECT 'restored from the trash' FROM outbox.event WHERE kind = 'node.restored'
    UNION ALL SELECT 'purged' FROM outbox.event WHERE kind = 'node.purged'
    UNION ALL SELECT 'copied' FROM outbox.event WHERE payload ->> 'copied_from' IS NOT NULL
    UNION ALL SELECT 'a second version' FROM files.version WHERE version = 2
    UNION ALL SELECT 'a file took another''s place' FROM outbox.event t JOIN outbox.event n
        ON n.tenant_id = t.tenant_id AND n.seq = t.seq + 1 AND n.origin = t.origin
     WHERE t.kind = 'node.trashed' AND n.kind IN ('node.moved', 'node.restored')
       AND t.payload ->> 'name' = n.payload ->> 'name'
    UNION ALL SELECT 'one blob for two versions' FROM files.blob WHERE refs > 1
"""
_TAKEN_OVER = """
    SELECT FROM files.condemned c JOIN files.blob b USING (tenant_id, hash)
     WHERE b.state = 'live' LIMIT 1
"""
_NEEDED = "SELECT FROM files.blob WHERE object_key = $1 AND refs > 0"
_GRACES = 6
"""More than the two after which an object is forgotten; a deletion is tried again in between."""
_HEALED_SECONDS = 90
"""More than the 66 after which the collector comes by at the latest."""
_LONGEST_SECONDS = 3600.0
_DOING = {**DOING, **SHARING, "upload": upload}
_STALE_SECONDS = 1.2
"""After which every machine knows again who somebody is."""


@frozen
class Outcome:
    """What a run found: what broke, the world it ended in, and the plan with its faults."""

    broken: tuple[str, ...]
    world: World
    plan: Plan


@define(eq=False)
class Run:
    """One run of a plan."""

    plan: Plan
    sessions: Sessions
    mutant: Mutant
    world: World = field(init=False)
    common: Common = field(init=False)
    clients: list[Client] = field(factory=list)
    broken: list[str] = field(factory=list)
    shares: bool = field(default=False, init=False)
    """Whether anything is said about who may do what."""

    def __attrs_post_init__(self) -> None:
        """Build the world."""
        knobs = self.plan.knobs
        self.world = World(self.plan, self._look)
        store = open_store(SimClock(), weak=knobs.weak_store, checks=self.mutant.store_checks)
        ids = SequenceIds(self.plan.seed)
        machines = [
            Machine(number, self.world, self.sessions, store, ids, self._forbid)
            for number in range(knobs.machines)
        ]
        wire, keeps_keys = Wire(self.world, store), self.mutant.keeps_keys
        self.common = Common(self.world, machines, wire, self._last_seq, keeps_keys)
        kinds = {op.kind for script in self.plan.scripts for op in script.ops}
        self.shares, self.common.disables = bool(kinds & set(SHARING)), "disable" in kinds

    def _last_seq(self, tenant: UUID) -> int:
        rows = self.sessions.fetch(_LAST_SEQ, tenant)
        return rows[0]["last"] if rows else 0

    def _look(self) -> None:
        """Check, in the middle of it all, what must hold between any two transactions."""
        if self.sessions.fetch(_TAKEN_OVER):
            self.world.saw("a condemned blob was taken over")
        for each in broken_rows(self.sessions, "always"):
            self.broken.append(f"{each} (at point {self.world.points})")

    def _forbid(self, key: str) -> None:
        """No object is deleted that a version needs, at the moment when it is deleted (I15b)."""
        if self.sessions.fetch(_NEEDED, key):
            self.broken.append(f"I15b {key} is deleted, and needed (at point {self.world.points})")

    async def story(self) -> None:
        """Let the daemon live while the clients act; then heal; then a week passes."""
        async with trio.open_nursery() as nursery:
            for machine in self.common.machines:
                nursery.start_soon(machine.run)
            with trio.fail_after(_LONGEST_SECONDS):
                await self._act()
            self.world.chaos = False
            await self._until("quiet")
            await self._compare_access()
            await self._replay_old_requests()
            trio.lowlevel.current_clock().jump(UPLOAD_TTL.total_seconds() + 1)  # type: ignore[attr-defined]
            await self._until("end")
            await self._collect()
            for client in self.clients:
                await client.ask("identity", lambda who, c=client: DescribeMe(c.caller(who, "me")))
            nursery.cancel_scope.cancel()

    async def _act(self) -> None:
        async with trio.open_nursery() as nursery:
            for tenant in sorted({script.tenant for script in self.plan.scripts}):
                scripts = [s for s in self.plan.scripts if s.tenant == tenant]
                nursery.start_soon(self._tenant, tenant, scripts)

    async def _tenant(self, number: int, scripts: Sequence[Script]) -> None:
        """Set a tenant up as its admin does, then let every client do its script."""
        owner.set(f"t{number}.setup")
        others = [script for script in scripts if not script.opening]
        clients = [Client(self.common, _account(s), number * 10 + s.user) for s in others]
        self.clients += clients
        admin = clients[0]
        request = EnsureTenant(admin.account.tenant, admin.account.login, admin.account.password)
        await admin.ask_open("identity", request)
        await admin.log_in()
        said_in(admin).admin = admin.user
        said_in(admin).people[admin.account.login] = admin.user
        space = await _team(admin)
        for script in scripts:
            if script.opening:
                await _do(admin, script)
        # Where things are shared, not everybody may share; where they are purged, everybody may.
        shares = any(op.kind == "group" for script in scripts for op in script.ops)
        role = Role.EDITOR if shares else Role.MANAGER
        async with trio.open_nursery() as nursery:
            for client, script in zip(clients, others, strict=True):
                nursery.start_soon(_join_and_do, client, script, admin, space, role)

    async def _until(self, kind: str) -> None:
        """Wait until nothing of this kind is broken any more; it must come about by itself."""
        for _ in range(_HEALED_SECONDS):
            left = broken_rows(self.sessions, kind)
            if not left:
                return
            await trio.sleep(1.0)
        self.broken += [f"liveness: {each} after {_HEALED_SECONDS} s" for each in left]

    async def _compare_access(self) -> None:
        """Look at everything as everybody, once everybody knows who they are."""
        if not self.shares:
            return
        await trio.sleep(_STALE_SECONDS)
        for tenant in sorted({client.tenant for client in self.clients}):
            await compare([client for client in self.clients if client.tenant == tenant])

    async def _collect(self) -> None:
        """Let graces pass until nothing is left that nobody needs; a few must do."""
        clock = trio.lowlevel.current_clock()
        for _ in range(_GRACES):
            if not self._left():
                return
            clock.jump(self.plan.knobs.grace + 2 * self.plan.knobs.garbage_interval)  # type: ignore[attr-defined]
            await trio.sleep(2.0)
            await self._until("quiet")
        self.broken += [f"I15c {each}" for each in self._left()]

    def _left(self) -> list[str]:
        """Return what nobody needs.

        Without any grace a slow request can begin its parts when all of it is forgotten; a real
        grace is longer than any request.
        """
        late = self.plan.knobs.grace == 0.0 and self.world.seen["a slow effect"]
        kept = unowned(self.sessions, self.common.wire.store, parts=not late)
        return broken_rows(self.sessions, "clean") + kept

    async def _replay_old_requests(self) -> None:
        """Send other bytes to every URL that was ever signed and is still good (I2, I3)."""
        wire = self.common.wire
        if self.plan.knobs.grace == 0.0 and not wire.store.capabilities.write_once:
            return  # what such a URL writes is forgotten already: a real grace is longer
        for signed, meant in wire.sent:
            answer = await wire.store.send(signed, meant[::-1])
            if answer.accepted and wire.store.capabilities.write_once:
                self.broken.append(f"I2 an old URL took other bytes: {signed.url}")

    def check(self) -> None:
        """Judge what is left once everything is still."""
        store, knobs = self.common.wire.store, self.plan.knobs
        self.broken += [*broken_rows(self.sessions, "always"), *self.world.found]
        self.broken += broken_bytes(self.sessions, store, knobs)
        self.broken += broken_types(self.sessions, knobs) + broken_quotas(self.sessions, knobs)
        events = journals(self.sessions)
        for tenant, rows in nodes(self.sessions, self.broken).items():
            journal = Journal.of(events.get(tenant, []))
            self.broken += broken_tree(rows, journal.states[-1])
            seen = [each for c in self.clients for each in c.seen if each.tenant == tenant]
            self.broken += Judge(journal, seen, knobs).judge()
            self.broken += self._judge_access(tenant, journal)
        answers = [answer for c in self.clients for each in c.seen for answer in each.answers]
        self.world.saw(*(f"refused: {each.code}" for each in answers if isinstance(each, No)))
        self.world.saw(*(row["what"] for row in self.sessions.fetch(_ENDS)))

    def _judge_access(self, tenant: UUID, journal: Journal) -> list[str]:
        said = self.common.said.get(tenant)
        if said is None or not self.shares:
            return []
        logins = {user: login for login, user in said.people.items()}
        states = moments(journal.events, journal.states, said.admin, logins)
        clock = [(look.began, look.lo) for look in said.looks]
        is_alone = self.plan.knobs.machines == 1
        judge = AccessJudge(journal.events, states, said, clock, is_alone)
        broken = judge.judge()
        self.world.saw(*judge.seen)
        return broken


async def _join_and_do(
    client: Client, script: Script, admin: Client, space: Space, role: Role
) -> None:
    if client is not admin:
        owner.set(f"t{script.tenant}u{script.user}.login")
        await _join(client, admin, space, role)
        await client.log_in()
        said_in(client).people[client.account.login] = client.user
    await _do(client, script)


async def _do(client: Client, script: Script) -> None:
    for op in script.ops:
        await trio.sleep(op.after)
        request = f"t{script.tenant}u{script.user}.{op.number}.{op.kind}"
        owner.set(request)
        await _DOING[op.kind](client, op, request)


def _account(script: Script) -> Account:
    return Account(f"tenant{script.tenant}", f"user{script.user}" if script.user else "admin")


async def _team(admin: Client) -> Space:
    """Make the space that the tenant's clients share."""
    made = await admin.ask(
        "files", lambda who: CreateSpace(admin.caller(who, "setup", "team", "team"), "Team")
    )
    if isinstance(made, Space):
        return made
    page = await admin.ask("files", lambda who: ListSpaces(admin.caller(who, "setup")))
    found: Space = next(space for space in page.items if space.name == "Team")
    return found


async def _join(client: Client, admin: Client, space: Space, role: Role) -> None:
    """Make the client's user, and a member of the team's space."""
    account = client.account
    user = await admin.ask(
        "identity",
        lambda who: CreateUser(admin.caller(who, "setup"), account.login, account.password),
    )
    if not isinstance(user, User):
        users = await admin.ask("identity", lambda who: ListUsers(admin.caller(who, "setup")))
        user = next(each for each in users.items if each.login == account.login)
    member = SpaceId(space.space_id), UserId(user.user_id), role
    await admin.ask("files", lambda who: SetMember(admin.caller(who, "setup"), *member))


def run_plan(plan: Plan, sessions: Sessions) -> Outcome:
    """Run one plan from an empty database to its verdict."""
    mutant = mutant_named(plan.mutant)
    with plain_asyncio(), capture_logs() as logs, mutant.made():
        sessions.reset()
        run = Run(plan, sessions, mutant)
        stuck: list[str] = []
        try:
            run_world(run.world, run.story)
        except* Stuck as group:
            stuck += [str(each) for each in _leaves(group)]
        except* trio.TooSlowError:
            stuck.append(f"liveness: not done within {_LONGEST_SECONDS:g} virtual seconds")
        run.world.found += [
            f"I7 the effect of event {log['seq']} failed: {log['error']}"
            for log in logs
            if log["event"] == "event failed"
        ]
        run.world.found += [
            f"I25 a request failed by itself: {log['request']}: {log['exc_info']!r}"
            for log in logs
            if log["event"] == "request failed"
        ]
        for log in logs:
            if log["event"] == "collected":
                run.world.saw(*(key for key in log if key not in ("event", "log_level")))
        if stuck:
            run.broken += stuck + run.world.found
        else:
            run.check()
    broken = tuple(dict.fromkeys(run.broken))
    return Outcome(broken, run.world, expanded(plan, run.world.injected))


def _leaves(group: BaseExceptionGroup[Any]) -> list[BaseException]:
    found: list[BaseException] = []
    for each in group.exceptions:
        found += _leaves(each) if isinstance(each, BaseExceptionGroup) else [each]
    return found
