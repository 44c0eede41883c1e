"""Logging in by a code that somebody approves elsewhere (RFC 8628)."""

import time
from collections.abc import Callable
from typing import Final

from bitvault.client.errors import Problem
from bitvault.client.transport import Transport
from bitvault.wire.devices import DeviceBegun
from bitvault.wire.sessions import SessionOpened

_PATH: Final = "/v1/device-authorizations"


class DeviceLogin:
    """One login that waits to be approved.

    Attributes:
        begun: The codes.
        page: Where somebody types the code.
        page_complete: The same, with the code in it.
    """

    def __init__(self, rest: Transport, name: str) -> None:
        self._rest = rest
        self.begun = rest.call("POST", _PATH, DeviceBegun, body={"clientName": name})
        self.page = f"{rest.server}{self.begun.verification_uri}"
        self.page_complete = f"{rest.server}{self.begun.verification_uri_complete}"

    def wait(
        self,
        tell: Callable[[float], None] = lambda _left: None,
        *,
        refreshable: bool = False,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> SessionOpened:
        """Poll until somebody has answered; ``tell`` hears the seconds that are left.

        Raises:
            Problem: ``access_denied`` or ``expired_token``, or what else stands in the way.
        """
        end = now() + self.begun.expires_in
        while True:
            tell(max(0.0, end - now()))
            sleep(self.begun.interval)
            try:
                body = {"deviceCode": self.begun.device_code, "refreshable": refreshable}
                return self._rest.call("POST", f"{_PATH}/token", SessionOpened, body=body)
            except Problem as problem:
                if problem.code != "authorization_pending":
                    raise
