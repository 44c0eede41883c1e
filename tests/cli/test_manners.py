"""Exit codes, envelopes, messages: what scripts rely on."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from bitvault.cli.failures import exit_code
from bitvault.cli.main import COMMANDS
from bitvault.cli.output import Exit
from bitvault.cli.progress import line
from bitvault.client.errors import BitVaultError, Problem, StoreRefused, Unreachable
from tests.cli.conftest import Run, program
from tests.support.object_store import ObjectStoreServer


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Problem(401, {"code": "unauthenticated"}), Exit.AUTH),
        (Problem(404, {"code": "node_not_found"}), Exit.NOT_FOUND),
        (Problem(409, {"code": "name_taken"}), Exit.CONFLICT),
        (Problem(412, {"code": "precondition_failed"}), Exit.CONFLICT),
        (Problem(507, {"code": "quota_exceeded"}), Exit.QUOTA),
        (Problem(503, {"code": "unavailable"}), Exit.UNAVAILABLE),
        (Problem(500, {}), Exit.INTERNAL),
        (Problem(507, {"code": "disk_full"}), Exit.QUOTA),
        (Problem(405, {"code": "method_not_allowed"}), Exit.USAGE),
        (Problem(400, {"detail": "not ours"}), Exit.UNAVAILABLE),
        (Unreachable("the server", "refused"), Exit.UNAVAILABLE),
        (StoreRefused(503, "SlowDown", ""), Exit.UNAVAILABLE),
    ],
)
def test_a_failure_has_its_exit_code(error: BitVaultError, code: Exit) -> None:
    """The table that scripts rely on."""
    assert exit_code(error) == code


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(bitvault: Run, name: str) -> None:
    """Groups show some of their commands', and cut no sentence of theirs short."""
    answer = bitvault(name, "--help")
    assert answer.returncode == 0
    assert b"Example" in answer.stdout
    assert b"...\n" not in answer.stdout.partition(b"Commands:")[2].partition(b"Example")[0]


def test_choices_are_told_in_one_line(bitvault: Run) -> None:
    """A missing role is answered with the roles there are."""
    told = bitvault("share", "/plans", "ann").stderr
    assert b"Choose from: uploader, viewer" in told


def test_help_imports_nothing_heavy() -> None:
    """``bitvault --help`` must be instant: no HTTP client, no SDK."""
    code = (
        "import sys; from bitvault.cli.main import cli\n"
        "try: cli(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'httpx', 'msgspec', 'urllib3', 'bitvault.client'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert answer.stdout.splitlines()[-1] == b"[]"


class _Refusing(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Know nothing of what is asked for."""
        self.send_error(404)


def test_a_command_imports_nothing_for_others() -> None:
    """A request is made without what httpx would import for other programs."""
    code = (
        "import sys; from bitvault.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([name for name in ('httpcore', 'rich', 'pygments', 'trio', 'anyio', 'h2')"
        " if sys.modules.get(name)])"
    )
    with ThreadingHTTPServer(("127.0.0.1", 0), _Refusing) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        places = {"BITVAULT_SERVER": f"http://127.0.0.1:{server.server_port}"}
        environment = os.environ | places | {"BITVAULT_TOKEN": "x"}
        command = [sys.executable, "-c", code, "ls", "/"]
        answer = subprocess.run(command, env=environment, capture_output=True, check=True)
        server.shutdown()
    assert answer.stdout.splitlines()[-1] == b"['httpcore']"


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("ls", "relative"),
        ("put", "a"),
        ("put", "-", "/folder/"),
        ("put", ".", "/x"),
        ("get", "/"),
        ("put", "-j", "0", "a", "/a"),
        ("api", "GET", "v1/me"),
        ("api", "POST", "/v1/folders", "--data", "{"),
        ("login", "ftp://x", "--user", "u"),
        ("login", "http://127.0.0.1:9"),
        ("login", "http://127.0.0.1:9", "--user", "u", "--device"),
        ("put", "only-one"),
        ("trash", "restore", "neither-id-nor-path"),
        ("trash", "purge"),
        ("uploads", "abort"),
        ("uploads", "abort", "--all", "0193a5b2-7c31-7d2e-9f40-1b6a2c3d4e5f"),
        ("link", "revoke", "/plans"),
        ("link", "delete", "../../x"),
        ("request", "reopen", "nope"),
        ("admin", "audit", "--since", "yesterday"),
        ("admin", "audit", "--node", "relative"),
        ("admin", "dead-letters", "replay"),
        ("admin", "dead-letters", "replay", "--all", "--consumer", "audit"),
    ],
)
def test_wrong_usage_is_exit_2(bitvault: Run, arguments: tuple[str, ...]) -> None:
    """With one message, no traceback, and nothing on stdout."""
    answer = bitvault(*arguments)
    assert (answer.returncode, answer.stdout) == (2, b"")
    assert b"Traceback" not in answer.stderr


def test_a_path_where_an_id_belongs_is_told_where_the_ids_are(bitvault: Run) -> None:
    """With the command that lists those of that path."""
    assert b"bitvault request list /plans" in bitvault("request", "close", "/plans").stderr
    assert b"bitvault link list\n" in bitvault("link", "revoke", "nope").stderr


def test_a_missing_node_is_exit_4(bitvault: Run) -> None:
    """The envelope carries the server's code."""
    answer = bitvault("stat", "/missing", "--json")
    document = json.loads(answer.stdout)
    assert (answer.returncode, document["ok"], document["command"]) == (4, False, "stat")
    assert document["error"]["code"] == "node_not_found"


def test_a_missing_local_file_is_exit_4(bitvault: Run) -> None:
    """The message names the file."""
    answer = bitvault("put", "missing.txt", "/a")
    assert answer.returncode == 4
    assert b"missing.txt" in answer.stderr


def test_without_a_login_it_says_how_to_get_one(bitvault: Run) -> None:
    """Exit 3, and the next step."""
    answer = bitvault("ls", env={"BITVAULT_SERVER": "", "BITVAULT_TOKEN": ""})
    assert answer.returncode == 3
    assert b"bitvault login" in answer.stderr


def test_a_server_that_is_not_there_is_exit_8(bitvault: Run) -> None:
    """After bounded retries, with the address in the message."""
    answer = bitvault("ls", env={"BITVAULT_SERVER": "http://127.0.0.1:9"})
    assert answer.returncode == 8
    assert b"127.0.0.1:9" in answer.stderr


def test_the_rate_and_the_time_left_are_shown() -> None:
    """Half of it in ten seconds leaves ten seconds."""
    assert line(10 << 20, 20 << 20, 10) == "10.0 MiB of 20.0 MiB  1.0 MiB/s  ETA 0:10"


def test_a_usage_error_is_json_too() -> None:
    """A script that asked for JSON gets JSON."""
    answer = subprocess.run(
        [*program(), "ls", "relative", "--json"], capture_output=True, check=False
    )
    assert (answer.returncode, json.loads(answer.stdout)["error"]["code"]) == (2, "usage")


def test_a_slip_in_a_command_is_guessed(bitvault: Run) -> None:
    """The message names the command that was probably meant."""
    answer = bitvault("trsah")
    assert answer.returncode == 2
    assert b"did you mean 'trash'?" in answer.stderr


def test_a_put_without_a_target_says_where_to_put_one(bitvault: Run) -> None:
    """The one argument is what was to be sent."""
    assert b"bitvault put a.txt TARGET" in bitvault("put", "a.txt").stderr


def test_what_is_no_bitvault_is_told_apart(bitvault: Run, store: ObjectStoreServer) -> None:
    """The object store's address is a likely slip."""
    answer = bitvault("ls", env={"BITVAULT_SERVER": store.endpoint})
    assert answer.returncode == 8
    assert b"not BitVault's REST interface" in answer.stderr
    assert answer.stderr.splitlines()[0].endswith((b"Forbidden", b"403", b"400", b"Bad Request"))


def test_a_reader_that_has_enough_is_no_failure(
    bitvault: Run, environment: Mapping[str, str], large: Path
) -> None:
    """As in ``bitvault cat FILE | head``."""
    assert bitvault("put", large, "/large").returncode == 0
    command = [*program(), "cat", "/large"]
    with subprocess.Popen(
        command, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.read(10)
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (0, b"")


@pytest.mark.parametrize(
    ("words", "wanted"), [("bitvault tr", b"trash"), ("bitvault trash re", b"restore")]
)
def test_a_shell_can_complete(bitvault: Run, words: str, wanted: bytes) -> None:
    """Commands, and what is below them."""
    last = str(len(words.split()) - 1)
    asked = {"_BITVAULT_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": last}
    assert wanted in bitvault(env=asked).stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_for_the_shell(bitvault: Run, shell: str) -> None:
    """It calls ``bitvault`` back."""
    answer = bitvault("completion", shell)
    assert answer.returncode == 0
    assert f"_BITVAULT_COMPLETE={shell}_complete".encode() in answer.stdout
