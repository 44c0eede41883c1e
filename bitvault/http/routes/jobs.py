"""What runs in the background, for the operators of the platform; tenants' admins are refused."""

from bitvault.actors.jobs import contract as jobs
from bitvault.actors.jobs.contract import GetJob, ListJobs, RunJob
from bitvault.http import shapes
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import HEAVY, NoBody, NoQuery, Routes
from bitvault.http.routes.queries import list_reply
from bitvault.kernel.principal import Scope
from bitvault.wire import jobs as wire
from bitvault.wire.fields import Page

routes = Routes("jobs")


@routes.route(
    "GET",
    "/v1/admin/jobs",
    {200: Page[wire.Job]},
    scope=Scope.ADMIN,
    cost=HEAVY,
)
async def list_jobs(call: Call[NoBody, NoQuery]) -> Reply:
    """List what runs in the background: in which state, since when, what waits; for operators."""
    found = await call.ask(ListJobs(call.caller))
    return list_reply(tuple(map(_job, found)))


@routes.route(
    "GET",
    "/v1/admin/jobs/{name}",
    {200: wire.Job},
    scope=Scope.ADMIN,
)
async def get_job(call: Call[NoBody, NoQuery]) -> Reply:
    """Describe a background job; for operators."""
    found = await call.ask(GetJob(call.caller, call.path["name"]))
    return Reply(200, _job(found))


@routes.route(
    "POST",
    "/v1/admin/jobs/{name}/run",
    {202: wire.RunStarted},
    scope=Scope.ADMIN,
    allowed_when_disk_full=True,
)
async def run_job(call: Call[NoBody, NoQuery]) -> Reply:
    """Have a background job take a turn now, out of its time; for operators.

    No two turns of a job run at once: one under way is ended first. It has ended when the job's
    turns has reached turn; what it did is in the job's asked then.
    """
    asked = await call.ask(RunJob(call.caller, call.path["name"]))
    return Reply(202, wire.RunStarted(job=_job(asked.job), turn=asked.turn))


def _job(value: jobs.Job) -> wire.Job:
    runs = {name: _turn(getattr(value, name)) for name in ("last", "worked", "asked", "failed")}
    waits = None if value.backlog is None else shapes.show(wire.Backlog, value.backlog)
    return shapes.show(wire.Job, value, totals=dict(value.totals), backlog=waits, **runs)


def _turn(value: jobs.JobTurn | None) -> wire.JobTurn | None:
    return None if value is None else shapes.show(wire.JobTurn, value, did=dict(value.did))
