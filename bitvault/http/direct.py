"""Requests without a body are answered in the task that Hypercorn began for them.

Quart receives a body in a second task, and cancels the first when the client leaves. Without a body
there is nothing to receive, and over HTTP/1.1 the connection cancels its requests itself.
"""

from typing import Any

from quart_trio.asgi import TrioASGIHTTPConnection

from bitvault.http.serving import NO_BODY


class Direct(TrioASGIHTTPConnection):
    """One request; all that leans on what Quart-Trio 0.12 and Quart 0.22 do not promise."""

    async def __call__(self, receive: Any, send: Any) -> None:
        """Serve it; the answer's deadline is the edge's own, so Quart's is left out."""
        if NO_BODY not in self.scope:
            await super().__call__(receive, send)
            return
        request = self._create_request_from_scope(send)
        request.body.set_complete()
        await self._send_response(send, await self.app.handle_request(request))
