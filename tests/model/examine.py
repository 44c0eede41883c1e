"""Many runs in one database, each as a tenant of its own."""

from collections import Counter
from itertools import count

import trio
from hypothesis import HealthCheck, example, given, note, settings

from tests.model.run import run_plan
from tests.model.steps import Step, plans
from tests.model.stories import STORIES
from tests.support.postgres import opened


def examine(dsn: str, examples: int) -> Counter[str]:
    """Run every story and that many random plans; answer what was seen.

    Raises:
        AssertionError: the room and the model differ; Hypothesis has made the plan short.
    """
    seen: Counter[str] = Counter()
    tenants = count(1)

    async def run(plan: list[Step]) -> Counter[str] | Exception:
        async with opened(dsn) as database:
            try:
                return await run_plan(database, next(tenants), plan)
            except Exception as error:  # noqa: BLE001 - raised again outside the nurseries, which would wrap it
                return error

    def holds(plan: list[Step]) -> None:
        for step in plan:
            note(repr(step))
        outcome = trio.run(run, plan)
        if isinstance(outcome, Exception):
            raise outcome
        seen.update(outcome)

    checked = given(plans)(holds)
    for story in STORIES:
        checked = example(story)(checked)
    settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )(checked)()
    return seen
