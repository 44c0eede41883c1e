"""The fixture runs a real store."""

import urllib.error
import urllib.request

import pytest

from tests.support.object_store import ObjectStoreServer


def test_the_store_answers_and_refuses_strangers(object_store_server: ObjectStoreServer) -> None:
    """An unsigned request to the bucket is refused by a running server."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{object_store_server.endpoint}/test/nothing", timeout=5)  # noqa: S310 - our own server
    caught.value.close()
    assert caught.value.code == 403
