"""How the embedded store is run: what the daemon's settings say reaches the program."""

from pathlib import Path

from bitvault.drivers.objects.embedded import EmbeddedStore
from bitvault.kernel.addresses import networks
from bitvault.objectd.__main__ import _parser


def test_the_store_is_told_what_the_settings_say(tmp_path: Path) -> None:
    """Origins one by one, and the proxies that are held to no share."""
    proxies = networks("192.0.2.1, 2001:db8::/32")
    store = EmbeddedStore(
        data=tmp_path,
        listen="127.0.0.1:0",
        bucket="blobs",
        region="us-east-1",
        origins=["https://a.example", " https://b.example"],
        proxies=proxies,
        on_listening=print,
        pass_on=print,
    )
    _python, _m, _module, *arguments = store.command().arguments
    told = _parser().parse_args(arguments)
    assert told.trusted_proxy == list(proxies)
    assert told.cors_origin == ["https://a.example", "https://b.example"]
    assert (told.listen, told.bucket, told.data) == (
        ("127.0.0.1", 0),
        ["blobs"],
        tmp_path / "objects",
    )
