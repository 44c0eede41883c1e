"""Toys, by REST."""

from uuid import UUID

import msgspec

from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import NoQuery, Routes
from bitvault.kernel.principal import Scope
from tests.architecture.toyhouse.toy.contract import MakeToy

routes = Routes("toys")


class NewToy(msgspec.Struct, frozen=True):
    """What a toy is to be."""

    name: str


class Toy(msgspec.Struct, frozen=True):
    """A toy that was made."""

    id: UUID


@routes.route("POST", "/v1/toys", {201: Toy}, scope=Scope.WRITE, body=NewToy)
async def make_toy(call: Call[NewToy, NoQuery]) -> Reply:
    """Make a toy."""
    return Reply(201, Toy(await call.ask(MakeToy(call.caller, call.body.name))))
