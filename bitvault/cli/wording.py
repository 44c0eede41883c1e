"""REST's words in the words of the command line: its members as options, its refusals as steps."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from bitvault.cli.output import human_size

_WORDING = (
    (re.compile(r"; choose another, or set ifExists\b.*$"), "."),
    (re.compile(r"^(?:name|id): (?=')|^id: (?=the root)|^role: (?=only|a file request)"), ""),
    (re.compile(r"^parent(?:Id|Path): "), "the target: "),
    (re.compile(r": POST /v1/users\.$"), ": bitvault users create."),
    (re.compile(r" Send the same Idempotency-Key\.$"), ""),
    (re.compile(r"^There is no space 'personal'"), "You have no files of your own here"),
)
_SIZES = re.compile(r"^size: (\d+) bytes do not fit in the (\d+) ")
_OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "password": "--password",
        "expiresAt": "--expires",
        "maxDownloads": "--max-downloads",
        "linksAllowed": "--links",
        "passwordRequired": "--link-passwords",
        "longestLife": "--longest-link",
        "defaultLife": "--default-link",
        "minPassword": "--min-password",
        "longestSession": "--longest-session",
        "request.maxFiles": "--max-files",
        "request.maxSize": "--max-size",
        "request.extensions": "--ext",
        "request.message": "--message",
    }
)
_WITH_OPTIONS = ("link", "request", "admin policy")
_MEMBER = re.compile(r"^([\w.]+)(?=: must )")
_FORBIDDEN = (
    (
        re.compile("with a confined token"),
        (
            "This token is good for one file or folder alone: `bitvault whoami` says which, and "
            "ID:/x names what is in it. For all else unset BITVAULT_TOKEN and log in."
        ),
    ),
    (
        re.compile("by the policy of the tenant"),
        "An admin can allow it, if the operator's bound does: bitvault admin policy set --links",
    ),
    (
        re.compile("operate the platform|look at the state of the server"),
        "That is for operators of the platform, not for admins of a tenant.",
    ),
    (
        re.compile("tokens of another person"),
        (
            "People make their own: bitvault token create NAME. Programs have accounts: "
            "bitvault users create NAME --service"
        ),
    ),
    (re.compile("your own tenant|platform is operated from"), ""),
    (
        re.compile("who has access|who may do what|give more than you have"),
        "Its owner may, and a manager of it or of the space.",
    ),
    (
        re.compile("rename, move or trash what was shared"),
        "Its owner may. What is in a folder, an editor of it may change.",
    ),
    (
        re.compile("holds something restricted"),
        "Managers of the folder or its space may. What is in it and yours you can remove.",
    ),
    (
        re.compile("with a link"),
        "The link's owner can share it with you as a user: bitvault share PATH LOGIN ROLE",
    ),
    (
        re.compile(
            "set the quota|see to the mail|new spaces start with|dead letters|the audit trail|"
            "what users have|spaces of others|quotas of users|a team space|single sign-on"
        ),
        "That is for admins of your tenant.",
    ),
)


def worded(text: str, command: str) -> str:
    """Say a refusal of REST as somebody would who types ``command``."""
    for ours, theirs in _WORDING:
        text = ours.sub(theirs, text)
    text = _SIZES.sub(_fit, text)
    if not command.startswith(_WITH_OPTIONS):
        return text
    return _MEMBER.sub(lambda found: _option(found[1], command), text)


def _fit(found: re.Match[str]) -> str:
    wanted, left = (human_size(int(size)) for size in found.groups())
    return f"{wanted} do not fit in the {left} "


def _option(member: str, command: str) -> str:
    if member == "expiresAt" and command.startswith("request"):
        return "--deadline"
    return _OPTIONS.get(member, member)


def who_may(detail: str) -> str:
    """Say who may do what is forbidden, or how it would be allowed; nothing, if nobody may."""
    for what, step in _FORBIDDEN:
        if what.search(detail):
            return step
    return "The person who shared it with you, or a manager of the space, can give you more."
