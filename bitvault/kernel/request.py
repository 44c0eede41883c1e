"""Messages between rooms carry the type of their reply, so that an ask is checked end to end."""

from typing import Generic, TypeVar

R_co = TypeVar("R_co", covariant=True)


class Request(Generic[R_co]):
    """A message that is answered with an ``R_co``; imperative name, frozen attrs subclass.

    Satisfies ``supervisors.Request`` by shape, because contracts do not import the runtime.
    """

    __slots__ = ()

    def __reply__(self) -> R_co:
        """Name the reply type to the type checker; never called."""
        raise AssertionError("a type-level marker")
