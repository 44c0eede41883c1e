"""Requests of which all is here are answered in the task that Hypercorn began for them.

Quart receives a body in a second task, and cancels the first when the client leaves. Where nothing
is left to receive there is no need, and over HTTP/1.1 the connection cancels its requests itself.
"""

from typing import Any, cast

from quart_trio.asgi import TrioASGIHTTPConnection

from bitvault.http.serving import BODY


class Direct(TrioASGIHTTPConnection):
    """One request; all that leans on what Quart-Trio 0.12 and Quart 0.22 do not promise."""

    async def __call__(self, receive: Any, send: Any) -> None:
        """Serve it; the answer's deadline is the edge's own, so Quart's is left out."""
        body = cast("bytes | None", self.scope.get(BODY))
        if body is None:
            await super().__call__(receive, send)
            return
        request = self._create_request_from_scope(send)
        request.body.append(body)
        request.body.set_complete()
        await self._send_response(send, await self.app.handle_request(request))
