"""Jobs, for those who run it."""

from bitvault.actors.jobs.actor import Jobs
from bitvault.kernel.backlog import CountBacklog
from bitvault.manifest import Context, Manifest


def _make(here: Context[None]) -> Jobs:
    purposes = {job.name: job.purpose for one in here.manifests for job in one.jobs}
    counting = [here.ref(one.name) for one in here.manifests if CountBacklog in one.handles]
    return Jobs(here.wiring.board, here.ref("identity"), purposes, counting, here.wiring.clock)


JOBS = Manifest(package=__package__, actor=Jobs, make=_make)
