"""How much is left of a space's quota is for those whose space it is."""

import pytest

from bitvault.actors.files.contract import (
    CopyNode,
    CreateSpace,
    IfExists,
    QuotaExceeded,
    RestoreVersion,
    SetMember,
    Target,
    UpdateSpace,
)
from bitvault.kernel.access import Role
from tests.actors.sharing.conftest import Company
from tests.actors.sharing.test_links import come, make


@pytest.mark.parametrize("name", ["ann", "ben", "cat", "guest"])
async def test_what_is_left_is_told_to_members_only(company: Company, name: str) -> None:
    """A grantee and a guest learn that it does not fit; the owner and a member, what would."""
    admin = company.caller("ann")
    space = await company.files.ask(CreateSpace(admin, "Team"))
    ben = company.people["ben"].user_id
    await company.files.ask(SetMember(admin, space.space_id, ben, Role.EDITOR))
    top = await company.folder("ann", "Team:/top")
    file = await company.put("ann", "Team:/top/f", "12345678")
    await company.files.put(f"{top}:/f", "1", admin, if_exists=IfExists.REPLACE)
    await company.share("ann", top, "cat", Role.EDITOR)
    guest = await come(company, await make(company, top, role=Role.EDITOR))
    await company.files.ask(UpdateSpace(admin, space.space_id, quota=12))
    caller = guest if name == "guest" else company.caller(name)
    left = 3 if name in {"ann", "ben"} else None
    filler = admin if name == "guest" else caller  # a guest may not hold all that is left

    big = await company.files.init(f"{top}:/new", "x" * 9, caller)
    again = RestoreVersion(Target(node_id=file), 1)
    copied = CopyNode(Target(node_id=top), Target(node_id=top), name="copy")

    assert big == QuotaExceeded(9, left)
    assert await company.files.apply(again, caller=caller) == QuotaExceeded(8, left)
    for number in range(3):
        assert (await company.files.init(f"{top}:/{number}", "x", filler)).upload_id
    refused = await company.files.apply(copied, caller=caller)
    assert refused == QuotaExceeded(1, None if left is None else 0)
    assert ("left" in refused.detail) == (left is not None)
