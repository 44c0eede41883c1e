"""Between the client and the store answers get lost, bits flip, and others answer."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bitvault.cli.failures import exit_code
from bitvault.cli.output import Exit
from bitvault.client.client import Client
from bitvault.client.downloads import Downloader
from bitvault.client.errors import BitVaultError, IntegrityError, SourceChanged
from bitvault.client.objects import ObjectStore
from bitvault.client.results import TreeResult
from bitvault.client.tree_down import TreeDownload
from bitvault.client.trees import TreeUpload
from bitvault.client.uploads import Source, Uploader
from tests.client.control_plane import ControlPlane
from tests.client.sabotage import Harm, Saboteur, the_first, three_of_ten
from tests.support.object_store import ObjectStoreServer

Sabotage = Callable[[Callable[[str, int], Harm]], "contextmanager[Saboteur]"]


@pytest.fixture
def sabotaged(control: ControlPlane, store: ObjectStoreServer) -> Sabotage:
    """Have the store reached by way of a proxy that does harm."""

    @contextmanager
    def through(harm: Callable[[str, int], Harm]) -> Iterator[Saboteur]:
        with Saboteur(store.address, harm) as proxy:
            control.connect(proxy.url)
            yield proxy
            control.connect(store.endpoint)

    return through  # type: ignore[return-value]  # the decorator's type is longer


@pytest.fixture
def small(tmp_path: Path) -> Source:
    """Return a small file to send."""
    path = tmp_path / "small"
    path.write_bytes(b"small" * 1000)
    return Source.of(path)


def grow_impatient(client: Client) -> None:
    """Have the client wait for the store for 0.3 seconds."""
    client.store.close()
    client.store = ObjectStore(timeout=0.3)


def tree_of(root: Path, number: int) -> Path:
    """Make a tree of small files, each another one."""
    root.mkdir()
    for one in range(number):
        (root / f"f{one}").write_bytes(b"%d" % one * 100)
    return root


@pytest.mark.parametrize("harm", ["lose", "late", "flip", "cut", "error", "garbage"])
def test_a_put_that_is_harmed_once_succeeds(
    uploader: Uploader, control: ControlPlane, sabotaged: Sabotage, small: Source, harm: str
) -> None:
    """Whether its bytes arrived or not: the commit is the judge, and nothing is held."""
    grow_impatient(uploader.client)
    with sabotaged(the_first(harm, "PUT")):
        assert uploader.put(small, "/small").size == small.size
    assert control.open_uploads() == []


@pytest.mark.parametrize("harm", ["lose", "late"])
def test_a_put_whose_every_answer_is_lost_succeeds(
    uploader: Uploader, sabotaged: Sabotage, small: Source, harm: str
) -> None:
    """The bytes are there: what the client was told of them does not matter."""
    grow_impatient(uploader.client)
    with sabotaged(the_first(harm, "PUT", 99)):
        assert uploader.put(small, "/small").size == small.size


@pytest.mark.parametrize("harm", ["lose", "flip", "cut"])
def test_of_thirty_files_with_a_third_harmed_none_fails(
    uploader: Uploader,
    control: ControlPlane,
    sabotaged: Sabotage,
    client: Client,
    tmp_path: Path,
    harm: str,
) -> None:
    """Each file of the tree is committed, with the bytes it has here."""
    root = tree_of(tmp_path / "tree", 30)
    with sabotaged(three_of_ten(harm, "PUT")):
        done = TreeUpload(uploader, "/t", "fail").run(root)
    assert (done.missed, len(done.nodes), control.open_uploads()) == ([], 30, [])
    back = _fetched(client, tmp_path / "back")
    assert back.missed == []
    for path in root.iterdir():
        assert (tmp_path / "back" / path.name).read_bytes() == path.read_bytes()


def _fetched(client: Client, target: Path) -> TreeResult:
    return TreeDownload(Downloader(client), "fail").run(client.node("/t"), target)


@pytest.mark.parametrize("harm", ["lose", "flip", "cut"])
def test_a_large_file_with_a_third_harmed_arrives(
    uploader: Uploader,
    sabotaged: Sabotage,
    client: Client,
    large: Path,
    tmp_path: Path,
    harm: str,
) -> None:
    """Its parts are sent again where they did not arrive whole."""
    with sabotaged(three_of_ten(harm, "PUT")):
        node = uploader.put(Source.of(large), "/large")
    Downloader(client).get(node, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == large.read_bytes()


def test_a_part_whose_every_answer_is_lost_has_arrived(
    uploader: Uploader, sabotaged: Sabotage, large: Path
) -> None:
    """The store's list of parts is the truth."""
    with sabotaged(lambda method, number: "lose" if method == "PUT" and number <= 3 else None):
        assert Uploader(uploader.client, 1, states=uploader.states).put(Source.of(large), "/large")


@pytest.mark.parametrize("harm", ["error", "page", "redirect", "garbage", "forbidden", "xml"])
def test_a_store_that_always_answers_wrong_is_a_failure(
    uploader: Uploader, control: ControlPlane, sabotaged: Sabotage, small: Source, harm: str
) -> None:
    """Of the store, by its address, and unavailable; no usage error, and nothing is held."""
    with sabotaged(the_first(harm, "PUT", 99)) as proxy, pytest.raises(BitVaultError) as failed:
        uploader.put(small, "/small")
    assert exit_code(failed.value) == Exit.UNAVAILABLE
    assert harm == "page" or proxy.url in str(failed.value)
    assert proxy.count("PUT") <= 9
    assert control.open_uploads() == []


def test_an_expired_url_is_asked_for_again(
    uploader: Uploader, control: ControlPlane, sabotaged: Sabotage, small: Source
) -> None:
    """A 403 of the store, or of what stands before it, is another URL and no failure."""
    with sabotaged(the_first("forbidden", "PUT")):
        uploader.put(small, "/small")
    assert control.calls.count("POST /v1/files/uploads/*/url") == 1


def test_a_file_that_is_rewritten_in_secret_is_told(
    uploader: Uploader, control: ControlPlane, tmp_path: Path, small: Source
) -> None:
    """Other bytes under the same size and time are no fault of the network."""
    begin = control.begin

    def rewriting(draft: dict[str, object]) -> object:
        small.path.write_bytes(b"other" * 1000)
        _set_time(small)
        return begin(draft)

    control.begin = rewriting
    with pytest.raises(SourceChanged):
        uploader.put(small, "/small")
    assert control.open_uploads() == []


def _set_time(source: Source) -> None:
    os.utime(source.path, ns=(source.modified_ns, source.modified_ns))


HARMS = ["lose", "late", "flip-answer", "cut-answer", "error", "garbage", "page", "endless"]


@pytest.mark.parametrize("harm", HARMS)
def test_a_get_that_is_harmed_once_succeeds(
    uploader: Uploader, client: Client, sabotaged: Sabotage, small: Source, harm: str
) -> None:
    """Wrong bytes are fetched again, and a page is not taken for the file."""
    node = uploader.put(small, "/small")
    grow_impatient(client)
    back = small.path.with_name("back")
    with sabotaged(the_first(harm, "GET")):
        Downloader(client).get(node, back)
    assert back.read_bytes() == small.path.read_bytes()


@pytest.mark.parametrize("harm", ["flip-answer", "cut-answer", "page"])
def test_the_ranges_of_a_large_file_are_fetched_again(
    uploader: Uploader,
    client: Client,
    sabotaged: Sabotage,
    large: Path,
    tmp_path: Path,
    harm: str,
) -> None:
    """Though only the whole of it tells that a bit has flipped."""
    node = uploader.put(Source.of(large), "/large")
    with sabotaged(the_first(harm, "GET")):
        Downloader(client).get(node, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == large.read_bytes()
    assert [one.name for one in tmp_path.iterdir() if "bv-part" in one.name] == []


def test_bytes_that_are_always_wrong_are_not_fetched_for_ever(
    uploader: Uploader, client: Client, sabotaged: Sabotage, small: Source
) -> None:
    """Three times, and the name stays free."""
    node = uploader.put(small, "/small")
    back = small.path.with_name("back")
    with sabotaged(the_first("flip-answer", "GET", 99)) as proxy, pytest.raises(IntegrityError):
        Downloader(client).get(node, back)
    assert (proxy.count("GET"), back.exists()) == (3, False)
    assert [one.name for one in back.parent.iterdir()] == ["small"]


def test_an_answer_to_a_commit_is_lost(
    control: ControlPlane, client: Client, tmp_path: Path, small: Source
) -> None:
    """The same commit is made again, and its answer is the same."""
    with (
        Saboteur(control.url.removeprefix("http://"), three_of_ten("lose", "POST")) as proxy,
        Client(proxy.url, "bv_test", policy=client.policy) as through,
    ):
        assert Uploader(through).put(small, "/small").size == small.size
    assert "/small" in control.nodes
