"""Single sign-on, for those who run it."""

from bitvault.actors.sso.actor import Sso
from bitvault.kernel.erasure import Phase
from bitvault.manifest import Context, Manifest


def _make(here: Context[None]) -> Sso:
    wiring = here.wiring
    return Sso(
        wiring.database,
        wiring.outbox,
        here.ref("identity"),
        here.ref("files"),
        wiring.outgoing,
        wiring.sealing,
        wiring.clock,
        wiring.ids,
        lambda: wiring.url.rstrip("/"),
    )


SSO = Manifest(package=__package__, actor=Sso, make=_make, erasure=Phase.WRITERS)
