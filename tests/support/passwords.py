"""Real Argon2id that counts: how much work a guess is, without a look at the clock."""

from typing import Any

from argon2 import Parameters, PasswordHasher, extract_parameters


class CountingHasher(PasswordHasher):
    """Remembers which parameters each password was compared with."""

    def __init__(self, **parameters: Any) -> None:
        """Begin with nothing compared."""
        super().__init__(**parameters)
        self.compared: list[Parameters] = []

    def verify(self, hash: Any, password: Any) -> Any:  # noqa: A002 - the library's name
        """Compare, and remember."""
        self.compared.append(extract_parameters(hash))
        return super().verify(hash, password)
