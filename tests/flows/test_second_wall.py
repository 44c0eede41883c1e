"""With the first wall down, no statement naming its tenant any more, the second one stands alone.

Row-level security hides what a forgotten ``WHERE tenant_id`` would show (ADR-0015, X20).
"""

import re
import sys

import pytest

from bitvault.drivers.postgres import port
from tests.flows.belongings import Belongings
from tests.flows.people import settled
from tests.flows.walls import ROUTES, hidden, lines
from tests.support.daemon import running_daemon
from tests.support.smtp import SmtpServer, mail_settings
from tests.support.tables import unchanged

NAMED = re.compile(r"(?:\b\w+\.)?\btenant_id = :tenant(?:_id)?\b")
WITHOUT_WHERE = f"""
import re
from bitvault.drivers.postgres import port
named = re.compile({NAMED.pattern!r})
compiled = port._compile
def forgetful(name, text):
    parameter = ":tenant_id" if ":tenant_id" in text else ":tenant"
    return compiled(name, named.sub(parameter + "::uuid IS NOT NULL", text))
port._compile = forgetful
from bitvault.daemon import main
main()
"""


@pytest.mark.requirement("X20")
def test_no_statement_reaches_another_tenant_without_its_condition(
    mail_server: SmtpServer,
) -> None:
    """All routes, all ids of another tenant: as with the condition, as if they did not exist."""
    program = (sys.executable, "-c", WITHOUT_WHERE, "serve")
    invented = Belongings.invented()
    mail = mail_settings(mail_server)
    with running_daemon(program=program, **mail) as daemon, settled(daemon) as town:
        with unchanged(daemon):
            wrong = lines(hidden(town.stranger, one, town.owned, invented) for one in ROUTES)
        assert not wrong, wrong


def test_the_conditions_are_really_gone() -> None:
    """The pattern finds what the statements say; else the test above would test nothing."""
    walking = port.load_queries("bitvault.actors.files.store", "locate.sql")["walk_up"]
    assert "tenant_id = $1" in walking.sql
    text = (port.files("bitvault.actors.files.store") / "locate.sql").read_text()
    assert len(NAMED.findall(text)) > 5
    assert "tenant_id = :tenant" not in NAMED.sub("", text)
