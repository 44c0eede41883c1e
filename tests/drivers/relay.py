"""A listener in front of a real PostgreSQL, which hears all that goes by and may hold it up."""

import trio
from attrs import define, field


@define(eq=False)
class Relay:
    """Passes on what is said in both directions, in pieces of ``piece`` bytes at most."""

    server: str
    """The folder of the server's socket."""
    piece: int = 64 * 1024
    clients: list[trio.SocketStream] = field(factory=list)

    async def serve(self, client: trio.SocketStream) -> None:
        """Connect a client with the server."""
        self.clients.append(client)
        server = await trio.open_unix_socket(f"{self.server}/.s.PGSQL.5432")
        async with client, server, trio.open_nursery() as nursery:
            nursery.start_soon(self._up, client, server, nursery.cancel_scope)
            try:
                while chunk := await server.receive_some(self.piece):
                    await client.send_all(self.downwards(chunk))
                    if self.is_cut():
                        break
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass
            nursery.cancel_scope.cancel()

    async def _up(
        self, client: trio.SocketStream, server: trio.SocketStream, scope: trio.CancelScope
    ) -> None:
        try:
            while chunk := await client.receive_some(self.piece):
                await self.upwards(chunk)
                await server.send_all(chunk)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        scope.cancel()

    async def upwards(self, chunk: bytes) -> None:
        """Wait until the server may have it."""

    def downwards(self, chunk: bytes) -> bytes:
        """Return what the client gets of it."""
        return chunk

    def is_cut(self) -> bool:
        """Return whether the connection ends here."""
        return False
