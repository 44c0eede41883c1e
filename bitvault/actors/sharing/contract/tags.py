"""What each message is called when it travels or is stored; a tag stays, a class may be renamed."""

from collections.abc import Mapping
from typing import Final

from bitvault.actors.sharing.contract import grants, links, preview, sweeping

TAGS: Final[Mapping[str, type]] = {
    "allowed": grants.Allowed,
    "change_link": links.ChangeLink,
    "check_access": grants.CheckAccess,
    "count_downloads": links.CountDownloads,
    "create_link": links.CreateLink,
    "delete_link": links.DeleteLink,
    "describe_own_link": links.DescribeOwnLink,
    "explain_access": grants.ExplainAccess,
    "forget_lost": sweeping.ForgetLost,
    "get_grant": grants.GetGrant,
    "get_link": links.GetLink,
    "grant": grants.Grant,
    "granting": preview.Granting,
    "link": links.Link,
    "link_issued": links.LinkIssued,
    "linking": preview.Linking,
    "list_grants": grants.ListGrants,
    "list_links": links.ListLinks,
    "list_shared": grants.ListShared,
    "moving": preview.Moving,
    "open_link": links.OpenLink,
    "password_unjudged": links.PasswordUnjudged,
    "preview": preview.Preview,
    "preview_access": preview.PreviewAccess,
    "put_grant": grants.PutGrant,
    "remove_grant": grants.RemoveGrant,
    "restrict": grants.Restrict,
    "restricting": preview.Restricting,
    "shares": grants.Shares,
    "stale_link": links.StaleLink,
}
