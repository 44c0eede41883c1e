"""Settings are refused by name, with the rule they break."""

import tomllib
from pathlib import Path

import attrs
import pytest

from bitvault.daemon.loading import load
from bitvault.kernel.settings import SettingError, Settings

CONFIG = Path(__file__).parents[2] / "config" / "bitvault.toml"


def write(folder: Path, text: str) -> Path:
    """Write a configuration file and return its path."""
    path = folder / "bitvault.toml"
    path.write_text(text)
    return path


def test_the_listing_for_people_has_every_setting_with_its_default() -> None:
    """config/bitvault.toml and the code agree on names and defaults."""
    listed = tomllib.loads(CONFIG.read_text())

    assert listed == attrs.asdict(Settings())


def test_a_flag_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    """Precedence is file, environment, flag, from weak to strong."""
    path = write(tmp_path, "[server]\nlisten = '0.0.0.0:1'\ndata = 'a'\npublic_url = 'http://a'\n")
    environment = {"BITVAULT_SERVER_DATA": "b", "BITVAULT_SERVER_LISTEN": "0.0.0.0:2"}

    server = load(path, environment, {"server.listen": "0.0.0.0:3"}).server

    assert (server.listen, server.data, server.public_url) == ("0.0.0.0:3", "b", "http://a")


PUBLIC = "[server]\npublic_url = 'https://files.example.org'"
MAIL = "host = 'smtp.example.org'\nsender = 'BitVault <bitvault@example.org>'"


def test_mail_may_be_in_the_clear_where_that_is_said(tmp_path: Path) -> None:
    """To this machine, or anywhere for whoever says that it is insecure."""
    for way in ("host = '127.0.0.1'\nsecurity = 'none'", "host = 'mx'\nsecurity = 'insecure'"):
        text = f"{PUBLIC}\n[mail]\nsender = 'bitvault@example.org'\n{way}"
        assert load(write(tmp_path, text), {}, {}).mail.port == 587


@pytest.mark.parametrize(
    ("text", "name", "rule"),
    [
        ("[server]\nlissen = 'a:1'", "server.lissen", "did you mean server.listen?"),
        ("[sever]\nlisten = 'a:1'", "sever", "did you mean server?"),
        ("server = 1", "server", "must be a table"),
        ("[server]\nlisten = 8080", "server.listen", "must be a string"),
        ("[server]\nlisten = 'host'", "server.listen", "must be HOST:PORT"),
        ("[server]\nlisten = 'host:65536'", "server.listen", "must be HOST:PORT"),
        ("[database]\npool_size = true", "database.pool_size", "must be a whole number"),
        ("[database]\npool_size = 0", "database.pool_size", "must be from 1 to 200"),
        ("[database]\nurl = 'mysql://x'", "database.url", "postgresql://"),
        ("[log]\nlevel = 'loud'", "log.level", "must be one of debug"),
        (
            "[garbage]\ngrace = 3600.0",
            "garbage.grace",
            "must be more than transfers.put_ttl (3600)",
        ),
        ("[transfers]\nget_ttl = 90000.0", "garbage.grace", "must be more than transfers.get_ttl"),
        ("[garbage]\nkeep_results = 60", "garbage.keep_results", "must be from 86400"),
        ("[quota]\ntenant = -1", "quota.tenant", "must be from 0"),
        (
            "[server]\ntrusted_proxies = '10.0.0.0/8, 10.0.0.1/8'",
            "server.trusted_proxies",
            "addresses and CIDR networks",
        ),
        ("[server]\ncors_origins = '*'", "server.cors_origins", "list of origins such as"),
        ("[server]\ncors_origins = 'https://a/'", "server.cors_origins", "list of origins"),
        ("[server]\nproxy_header = 'Via'", "server.proxy_header", "must be one of X-Forwarded-For"),
        ("[limits]\npassword_guesses = 0", "limits.password_guesses", "must be from 1"),
        ("[limits]\npassword_seconds = 0", "limits.password_seconds", "must be from 1"),
        ("[limits]\nuser_rate = -1", "limits.user_rate", "must be from 0"),
        ("[limits]\ntenant_burst = 0", "limits.tenant_burst", "must be from 100"),
        ("[mail]\nhost = 'smtp.example.org'", "mail.sender", "is needed with mail.host"),
        (f"[mail]\n{MAIL}", "server.public_url", "the links in mails lead there"),
        (f"{PUBLIC}\n[mail]\n{MAIL}\nsecurity = 'none'", "mail.security", "on this machine"),
        (f"{PUBLIC}\n[mail]\n{MAIL}\nuser = 'x'", "mail.password_file", "give both"),
        ("[mail]\nhost = 'smtp.example.org:587'", "mail.host", "must be a host name"),
        ("[mail]\nsender = 'a@b, c@d'", "mail.sender", "must be an address"),
        ("[mail]\nsecurity = 'ssl'", "mail.security", "must be one of starttls"),
        ("[server", "bitvault.toml", "is not TOML"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(
    tmp_path: Path, text: str, name: str, rule: str
) -> None:
    """The error names the setting and the rule it breaks."""
    with pytest.raises(SettingError) as refused:
        load(write(tmp_path, text), {}, {})

    assert refused.value.name.endswith(name)
    assert rule in refused.value.rule


def test_an_environment_variable_is_refused_by_its_own_name() -> None:
    """Whoever set the variable sees the variable's name."""
    with pytest.raises(SettingError, match="BITVAULT_DATABASE_POOL_SIZE: must be a whole number"):
        load(None, {"BITVAULT_DATABASE_POOL_SIZE": "many"}, {})


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A configuration that was asked for is never silently skipped."""
    with pytest.raises(SettingError, match="cannot be read"):
        load(tmp_path / "none.toml", {}, {})


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("BITVAULT_SERVER_LISTN", "BITVAULT_SERVER_LISTEN"),
        ("BITVAULT_SEVER_LISTEN", "BITVAULT_SERVER_LISTEN"),
        ("BITVAULT_OBJECT_ENDPOINT", "BITVAULT_OBJECTS_ENDPOINT"),
        ("BITVAULT_LOG_COLOUR", ""),
    ],
)
def test_a_misspelt_environment_variable_is_refused(variable: str, meant: str) -> None:
    """By its own name, and with what it may have been meant to be."""
    with pytest.raises(SettingError) as refused:
        load(None, {variable: "x"}, {})

    assert refused.value.name == variable
    assert refused.value.rule.endswith(f"; did you mean {meant}?" if meant else "variable")


def test_variables_of_other_programs_are_their_own() -> None:
    """Those of the command line, and whatever looks like no setting, may be there."""
    environment = {"BITVAULT_SERVER": "http://a", "BITVAULT_TOKEN": "bv", "BITVAULT_HOME": "/"}

    assert load(None, environment, {}) == Settings()


def test_the_object_store_listens_beside_the_rest_interface() -> None:
    """Whoever reaches the one reaches the other, unless something else was said."""
    listen = {"server.listen": "0.0.0.0:9000"}

    assert load(None, {}, {}).store_listen == "127.0.0.1:8081"
    assert load(None, {}, listen).store_listen == "0.0.0.0:8081"
    own = load(None, {"BITVAULT_OBJECTS_LISTEN": "127.0.0.1:9001"}, listen)
    assert own.store_listen == "127.0.0.1:9001"


REMOTE = "postgresql://u@db.example.org/x"


@pytest.mark.requirement("X64")
@pytest.mark.parametrize(
    ("text", "name"),
    [
        (f"[database]\nurl = '{REMOTE}'", "database.url"),
        (f"[database]\nurl = '{REMOTE}?sslmode=require'", "database.url"),
        ("[database]\nurl = 'postgresql://u@127.0.0.1,db.example.org/x'", "database.url"),
        ("[database]\nurl = 'postgresql:///x?host=10.0.0.1'", "database.url"),
        ("[objects]\nendpoint = 'http://s3.example.org'", "objects.endpoint"),
    ],
)
def test_nothing_is_said_in_the_clear_to_another_machine(
    tmp_path: Path, text: str, name: str
) -> None:
    """Neither to the database, nor to the store; what to say instead is said."""
    with pytest.raises(SettingError, match="insecure") as refused:
        load(write(tmp_path, text), {}, {})
    assert refused.value.name == name


@pytest.mark.parametrize(
    "text",
    [
        f"[database]\nurl = '{REMOTE}?sslmode=verify-full'",
        f"[database]\nurl = '{REMOTE}'\nsecurity = 'insecure'",
        "[database]\nurl = 'postgresql://u@localhost/x'",
        "[database]\nurl = 'postgresql:///x?host=/run/postgresql'",
        "[objects]\nendpoint = 'https://s3.example.org'",
        "[objects]\nendpoint = 'http://127.0.0.1:9000'",
        "[objects]\nendpoint = 'http://minio:9000'\nsecurity = 'insecure'",
    ],
)
def test_what_stays_here_or_is_said_to_be_safe_is_taken(tmp_path: Path, text: str) -> None:
    """This machine, verified TLS, and whoever says that it is insecure."""
    load(write(tmp_path, text), {}, {})
