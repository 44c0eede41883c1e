"""A token that ends at a node shares nothing, and knows nothing of what is shared elsewhere."""

from attrs import evolve

from bitvault.actors.sharing.contract import (
    CreateLink,
    ExplainAccess,
    LinkTerms,
    ListGrants,
    ListLinks,
    ListShared,
    PutGrant,
    Restrict,
)
from bitvault.kernel.access import Role
from bitvault.kernel.paging import Page
from bitvault.kernel.refusal import Forbidden
from tests.actors.sharing.conftest import Company


async def test_what_a_token_reaches_it_does_not_pass_on(company: Company) -> None:
    """Grants and links would outlast it: not even its user's right to give them is its own."""
    node = await company.folder("ann", "/inbox")
    owner, ben = company.caller("ann"), company.people["ben"].user_id
    token = evolve(owner, principal=evolve(owner.principal, confined_to=node))
    for request in (
        PutGrant(token, node, ben, Role.VIEWER),
        CreateLink(token, node, LinkTerms(Role.VIEWER)),
        Restrict(token, node, True),
        ListGrants(token, node),
        ListLinks(token, node),
        ExplainAccess(token, node),
    ):
        assert isinstance(await company.sharing.handle(request), Forbidden), request


async def test_what_others_share_is_not_for_it(company: Company) -> None:
    """Neither what was shared with its user, nor the links that its user made."""
    node, given = await company.folder("ben", "/inbox"), await company.folder("ann", "/given")
    await company.share("ann", given, "ben", Role.EDITOR)
    owner = company.caller("ben")
    await company.sharing.handle(CreateLink(owner, node, LinkTerms(Role.VIEWER)))
    token = evolve(owner, principal=evolve(owner.principal, confined_to=node))
    for kind in (ListShared, ListLinks):
        assert len((await company.sharing.handle(kind(owner))).items) == 1
        assert await company.sharing.handle(kind(token)) == Page((), None)
