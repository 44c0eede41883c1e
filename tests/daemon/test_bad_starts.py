"""Starts that must not happen: one line, an exit code, and nothing left running or changed."""

import socket
from collections.abc import Iterator

import pytest

from tests.support.daemon import Daemon, processes_in
from tests.support.postgres import PostgresServer

_DEAD = "127.0.0.1:9"

WRONG = {
    "environment": ({"BITVAULT_SERVER_LISTEN": "nowhere"}, (), "server.listen", 2),
    "flag": ({}, ("--listen", "127.0.0.1:99999"), "server.listen", 2),
    "slip": ({"BITVAULT_SERVER_LISTN": "x"}, (), "did you mean BITVAULT_SERVER_LISTEN?", 2),
    "level": ({"BITVAULT_LOG_LEVEL": "loud"}, (), "log.level", 2),
    "endpoint form": ({"BITVAULT_OBJECTS_ENDPOINT": "ftp://x"}, (), "objects.endpoint", 2),
    "endpoint without keys": (
        {"BITVAULT_OBJECTS_ENDPOINT": f"http://{_DEAD}"},
        (),
        "objects.credentials_file",
        2,
    ),
    "database form": ({"BITVAULT_DATABASE_URL": "mysql://x"}, (), "database.url", 2),
    "database away": (
        {"BITVAULT_DATABASE_URL": f"postgresql://u:canary@{_DEAD}/x"},
        (),
        "database.url",
        1,
    ),
}


@pytest.fixture
def taken(daemon: Daemon) -> Iterator[str]:
    """Have an address that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def refusal(daemon: Daemon, *arguments: str, code: int = 2) -> str:
    """Start, expect the one line of a refusal, and return it."""
    assert daemon.launch(*arguments).wait(60) == code, daemon.log
    assert processes_in(daemon.folder) == []
    lines = [line for line in daemon.log.splitlines() if not line.startswith("{")]
    assert len(lines) == 1, daemon.log
    assert "Traceback" not in daemon.log
    assert lines[0].startswith("bitvaultd: ")
    return lines[0]


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_setting_is_refused_by_name(daemon: Daemon, case: str) -> None:
    """The line names the setting, and shows no password."""
    environment, arguments, setting, code = WRONG[case]
    daemon.environment = environment
    line = refusal(daemon, *arguments, code=code)
    assert setting in line
    assert "canary" not in daemon.log + daemon.output


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ('[server]\nlisen = "127.0.0.1:0"\n', "server.lisen"),
        ('[sever]\nlisten = "127.0.0.1:0"\n', "sever"),
        ('[database]\npool_size = "many"\n', "database.pool_size"),
        ("[server\n", "wrong.toml"),
    ],
)
def test_a_wrong_file_is_refused_by_name(daemon: Daemon, text: str, setting: str) -> None:
    """A slip in the file stops the start before a folder is made."""
    config = daemon.folder / "wrong.toml"
    config.write_text(text)
    assert setting in refusal(daemon, "--config", str(config))
    assert not daemon.data.exists()


@pytest.mark.parametrize("setting", ["server.listen", "objects.listen"])
def test_a_taken_port_is_named(daemon: Daemon, taken: str, setting: str) -> None:
    """Whose port is in use is in the line, with the address."""
    daemon.environment = {f"BITVAULT_{setting.replace('.', '_').upper()}": taken}
    line = refusal(daemon)
    assert setting in line
    assert taken in line
    flag = {"server.listen": "--listen", "objects.listen": "--store-listen"}[setting]
    assert f"{flag}, BITVAULT_{setting.replace('.', '_').upper()}, or" in line


def test_a_store_that_does_not_answer_is_named(daemon: Daemon) -> None:
    """The keys are there; the endpoint is not."""
    keys = daemon.folder / "keys.json"
    keys.write_text('{"server": {"accessKeyId": "AK", "secretAccessKey": "canary-secret"}}')
    daemon.environment = {
        "BITVAULT_OBJECTS_ENDPOINT": f"http://{_DEAD}",
        "BITVAULT_OBJECTS_CREDENTIALS_FILE": str(keys),
    }
    assert "objects.endpoint" in refusal(daemon, code=1)
    assert "canary" not in daemon.log


@pytest.mark.parametrize("wrong", ["database", "role", "password", "certificates"])
def test_a_database_that_lets_nobody_in_is_named(
    daemon: Daemon, postgres_server: PostgresServer, wrong: str
) -> None:
    """The server answers, but not to this address: one line, without the password."""
    right = postgres_server.dsn()
    daemon.environment = {
        "BITVAULT_DATABASE_URL": {
            "database": right.replace("/postgres?", "/nowhere?"),
            "role": right.replace("user=bitvault", "user=nobody_here"),
            "password": locked(postgres_server),
            "certificates": f"postgresql://u:canary@{_DEAD}/x?sslmode=verify-full&sslrootcert=/none",
        }[wrong]
    }
    line = refusal(daemon, code=1)
    assert "database.url" in line
    assert "canary" not in daemon.log + daemon.output


def locked(server: PostgresServer) -> str:
    """Have a role that needs a password; return an address with another one."""
    rules = server.embedded.data / "pg_hba.conf"
    if "locked" not in (before := rules.read_text()):
        rules.write_text(f"local all locked scram-sha-256\n{before}")
        server.run("CREATE ROLE locked LOGIN PASSWORD 'right'")
        server.run("SELECT pg_reload_conf()")
    return f"{server.embedded.dsn(role='locked')}&password=canary"


def test_data_of_another_postgresql_is_named(daemon: Daemon) -> None:
    """A major version's data is read by no other: said before the server refuses it."""
    data = daemon.data / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("17\n")
    line = refusal(daemon, code=1)
    assert f"server.data: {data} is of PostgreSQL 17" in line


@pytest.mark.parametrize(
    "keys", ["[]", '{"server": 1}', '{"server": {"accessKeyId": "a"}}', '{"server": {}, "read": 1}']
)
def test_a_file_that_holds_no_keys_is_named(daemon: Daemon, keys: str) -> None:
    """Whatever else it holds."""
    file = daemon.folder / "keys.json"
    file.write_text(keys)
    daemon.environment = {
        "BITVAULT_OBJECTS_ENDPOINT": f"http://{_DEAD}",
        "BITVAULT_OBJECTS_CREDENTIALS_FILE": str(file),
    }
    assert "objects.credentials_file" in refusal(daemon)


def test_a_file_in_the_folders_place_is_named_and_kept(daemon: Daemon) -> None:
    """Somebody's file stays what it was."""
    daemon.data.write_text("mine")
    assert "server.data" in refusal(daemon)
    assert daemon.data.read_text() == "mine"


def test_a_folder_of_other_files_is_refused_and_kept(daemon: Daemon) -> None:
    """A slip of --data makes nothing among somebody's files; what a file system has is nobody's."""
    daemon.data.mkdir()
    (daemon.data / "lost+found").mkdir()
    (daemon.data / "thesis.odt").write_text("mine")
    line = refusal(daemon)
    assert "server.data" in line
    assert "(thesis.odt)" in line
    assert sorted(path.name for path in daemon.data.iterdir()) == ["lost+found", "thesis.odt"]


def test_a_folder_that_nobody_can_make_is_named(daemon: Daemon) -> None:
    """Even root makes no folders in /proc; the line says which folder, and what to do."""
    line = refusal(daemon, "--data", "/proc/bitvault")
    assert "server.data: /proc/bitvault is not writable" in line
    assert "--data" in line


def test_a_second_daemon_in_the_folder_is_refused(daemon: Daemon) -> None:
    """The first one goes on."""
    daemon.start()
    second = Daemon(daemon.folder, lives=10)
    assert second.launch().wait(60) == 2
    assert "another bitvaultd runs in" in second.log
    assert len(second.log.splitlines()) == 1
    with daemon.client() as client:
        assert client.get("/readyz").status_code == 200
