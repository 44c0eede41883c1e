"""What each message is called when it travels or is stored; a tag stays, a class may be renamed."""

from collections.abc import Mapping
from typing import Final

from bitvault.actors.sharing.contract.grants import (
    Allowed,
    CheckAccess,
    ExplainAccess,
    GetGrant,
    Grant,
    ListGrants,
    ListShared,
    PutGrant,
    RemoveGrant,
    Restrict,
    Shares,
)
from bitvault.actors.sharing.contract.links import (
    ChangeLink,
    CountDownloads,
    CreateLink,
    DeleteLink,
    DescribeOwnLink,
    GetLink,
    Link,
    LinkIssued,
    ListLinks,
    OpenLink,
    PasswordUnjudged,
    StaleLink,
)
from bitvault.actors.sharing.contract.preview import (
    Granting,
    Linking,
    Moving,
    Preview,
    PreviewAccess,
    Restricting,
)
from bitvault.actors.sharing.contract.sweeping import (
    ForgetLost,
)

TAGS: Final[Mapping[str, type]] = {
    "allowed": Allowed,
    "change_link": ChangeLink,
    "check_access": CheckAccess,
    "count_downloads": CountDownloads,
    "create_link": CreateLink,
    "delete_link": DeleteLink,
    "describe_own_link": DescribeOwnLink,
    "explain_access": ExplainAccess,
    "forget_lost": ForgetLost,
    "get_grant": GetGrant,
    "get_link": GetLink,
    "grant": Grant,
    "granting": Granting,
    "link": Link,
    "link_issued": LinkIssued,
    "linking": Linking,
    "list_grants": ListGrants,
    "list_links": ListLinks,
    "list_shared": ListShared,
    "moving": Moving,
    "open_link": OpenLink,
    "password_unjudged": PasswordUnjudged,
    "preview": Preview,
    "preview_access": PreviewAccess,
    "put_grant": PutGrant,
    "remove_grant": RemoveGrant,
    "restrict": Restrict,
    "restricting": Restricting,
    "shares": Shares,
    "stale_link": StaleLink,
}
