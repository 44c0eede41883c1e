"""The page of a file request, run by the engine of a browser without the browser."""

import json
import subprocess
from importlib.resources import files
from pathlib import Path

import httpx
import pytest

from tests.support.daemon import Daemon

NODE = Path(__file__).parents[2] / ".venv/bin/node"
LARGE = (64 << 20) + 1
"""Bytes of a file that goes up in parts."""


@pytest.mark.parametrize(("size", "losses"), [(9, 1), (LARGE, 4)])
def test_try_again_goes_on_with_what_was_begun(
    standing: Daemon, client: httpx.Client, size: int, losses: int
) -> None:
    """Bytes that got lost take no second place of a request for one file; parts are sent again."""
    folder = client.post("/v1/folders", json={"path": f"/page {size}"}).json()["node"]["id"]
    body = {"role": "uploader", "request": {"maxFiles": 1}}
    link = client.post(f"/v1/files/{folder}/links", json=body).raise_for_status().json()

    scripts = str(files("bitvault.http") / "static")
    script = str(Path(__file__).with_name("request_page.mjs"))
    asked = [str(NODE), script, standing.url, link["token"], scripts, str(size), str(losses)]
    ran = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)

    assert ran.stderr == ""
    lost = "The store cannot be reached; try again."
    assert json.loads(ran.stdout) == [lost, "Try again", "Received"]
    there = client.get("/v1/files", params={"path": f"/page {size}/Zoe/report.bin"})
    assert there.raise_for_status().json()["size"] == size
