"""Says what runs in the background, and asks for turns: by the board, never by a worker.

Error handling: a room that cannot count what waits leaves that out and nothing else, because it is
when something is down that somebody looks here.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import trio
from attrs import define, field

from bitvault.actors.identity.contract import RecordRun
from bitvault.actors.jobs import rules
from bitvault.actors.jobs.contract import (
    GetJob,
    Job,
    JobNotFound,
    JobTurn,
    ListJobs,
    RunJob,
    RunStarted,
)
from bitvault.actors.jobs.rules import Seen
from bitvault.actors.room import Room, ask_below
from bitvault.kernel.backlog import Backlog, CountBacklog
from bitvault.kernel.clock import Clock
from bitvault.kernel.principal import Caller, operator_of
from bitvault.kernel.refusal import Refusal, Refused
from supervisors import Board, Ref, Turn, Turns, handles

_MOST_REPEATS = 1000
_Key = tuple[UUID, UUID, str]
"""A tenant, a user and the Idempotency-Key they came with."""


@define(eq=False)
class Jobs(Room):
    """For operators; ``purposes`` has every job there may be, and ``counting`` count what waits."""

    board: Board
    identity: Ref
    purposes: Mapping[str, str]
    counting: Sequence[Ref]
    clock: Clock
    _repeats: OrderedDict[_Key, int] = field(factory=OrderedDict, init=False)

    @handles(ListJobs)
    async def list_jobs(self, request: ListJobs) -> tuple[Job, ...]:
        """List the jobs that anybody here does."""
        operator_of(request.caller)
        found = [turns for name in self.purposes if (turns := self.board.find(name))]
        counted = await self._counted()
        return tuple(self._shown(turns, counted) for turns in found)

    @handles(GetJob)
    async def get_job(self, request: GetJob) -> Job:
        """Describe one."""
        operator_of(request.caller)
        turns = self._found(request.name)
        return self._shown(turns, await self._counted())

    @handles(RunJob)
    async def run_job(self, request: RunJob) -> RunStarted | Refusal:
        """Record it, and have the job take a turn; a repeat is told of the turn it had."""
        caller = operator_of(request.caller)
        turns = self._found(request.name)
        record = RecordRun(caller, rules.job_id(turns.name), turns.name)
        fresh = await ask_below(self.identity, record, "identity")
        if isinstance(fresh, Refusal):
            return fresh
        turn = self._asked(caller, turns, fresh=fresh)
        return RunStarted(self._shown(turns, {}), turn)

    def _asked(self, caller: Caller, turns: Turns, *, fresh: bool) -> int:
        """Ask for a turn, once under a key.

        The record may be there and its turn not, because the daemon died or the answer to the
        commit was lost: then a turn is asked for again, which does no harm.
        """
        key = _key_of(caller)
        if key is None:
            return turns.ask()
        if fresh or key not in self._repeats:
            self._repeats[key] = turns.ask()
            if len(self._repeats) > _MOST_REPEATS:
                self._repeats.popitem(last=False)
        return self._repeats[key]

    def _found(self, name: str) -> Turns:
        turns = self.board.find(name) if name in self.purposes else None
        if turns is None:
            raise Refused(JobNotFound(name))
        return turns

    async def _counted(self) -> Mapping[str, Backlog]:
        found: dict[str, Backlog] = {}
        for room in self.counting:
            reply = await ask_below(room, CountBacklog(), room.name)
            if not isinstance(reply, Refusal):
                found.update(reply)
        return found

    def _shown(self, turns: Turns, counted: Mapping[str, Backlog]) -> Job:
        due = turns.due
        seen = Seen(
            worker=turns.worker or None,
            is_wanted=turns.is_wanted,
            turns=turns.ended,
            failures=turns.failures,
            next_at=None if due is None else self.clock.now() + _until(due),
            last=self._turn(turns.last),
            worked=self._turn(turns.worked),
            asked=self._turn(turns.asked),
            failed=self._turn(turns.failed),
            totals=dict(turns.totals),
        )
        return rules.job_of(turns.name, self.purposes[turns.name], seen, counted.get(turns.name))

    def _turn(self, turn: Turn | None) -> JobTurn | None:
        """Show a turn by the clock of the world; workers measure by that of the process."""
        if turn is None:
            return None
        now = self.clock.now()
        ended = trio.current_time() if turn.ended is None else turn.ended
        return JobTurn(
            number=turn.number,
            began_at=now + _until(turn.began),
            ended_at=None if turn.ended is None else now + _until(turn.ended),
            seconds=round(ended - turn.began, 6),
            did=dict(turn.did),
            error=turn.error or None,
        )


def _until(moment: float) -> timedelta:
    return timedelta(seconds=moment - trio.current_time())


def _key_of(caller: Caller) -> _Key | None:
    if caller.idempotency is None:
        return None
    return caller.tenant_id, caller.principal.user_id, caller.idempotency.key
