"""What is done for a request carries its id and its trace along."""

import pytest
from werkzeug.datastructures import Headers

from bitvault.http.auth import cause_of
from bitvault.kernel.principal import Origin
from bitvault.kernel.tracing import Cause

_TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("given", "kept"),
    [(_TRACE, _TRACE), ("", ""), (_TRACE.upper(), ""), (_TRACE + "-x", ""), ("a" * 10_000, "")],
    ids=["trace", "none", "capitals", "longer", "long"],
)
def test_a_trace_is_carried_on_if_it_is_one(given: str, kept: str) -> None:
    """What is no W3C Trace Context is dropped: a stranger cannot have other things carried."""
    assert cause_of(Headers({"traceparent": given}), Origin("request-1")) == Cause(
        "request-1", kept
    )
