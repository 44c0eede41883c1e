"""How much the home of who signs in may hold, where the provider says so."""

from collections.abc import Mapping
from typing import Any

from attrs import define

from bitvault.actors.files.contract import SyncQuota
from bitvault.actors.room import ask_below
from bitvault.actors.sso.rules.quota import Unclear, home_of
from bitvault.actors.sso.store.providers import Kept
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Refusal
from supervisors import Ref


@define(eq=False)
class Homes:
    """A quota is no reason to let somebody in or keep them out: the next sign-in sets it right."""

    files: Ref

    async def sync(self, kept: Kept, claims: Mapping[str, Any], caller: Caller) -> str:
        """Take over what is said of the caller's home; return what was passed over, and why."""
        home = home_of(claims, kept.provider.terms)
        if home is None:
            return ""
        if isinstance(home, Unclear):
            return home.reason
        source = str(kept.provider.provider_id)
        asked = SyncQuota(caller, source, home.quota, home.follows)
        answer = await ask_below(self.files, asked, "files")
        if isinstance(answer, Refusal):
            return f"the claim {kept.provider.terms.quota_claim!r} is passed over: {answer.detail}"
        return ""
