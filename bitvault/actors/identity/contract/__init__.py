"""Identity: tenants, users, groups, passwords, sessions and API tokens.

Tokens are opaque, ``bv_`` and at least 128 random bits, shown once and stored as SHA-256.
"""

from bitvault.actors.identity.contract.accounts import (
    CreateTenant,
    CreateUser,
    DescribeMe,
    EnsureTenant,
    FindUsers,
    ListUsers,
    User,
)
from bitvault.actors.identity.contract.credentials import (
    Authenticate,
    ChangePassword,
    CloseSession,
    CreateToken,
    Credential,
    ListCredentials,
    OpenSession,
    SecretIssued,
)
from bitvault.actors.identity.contract.groups import (
    AddMember,
    CreateGroup,
    DeleteGroup,
    FindGroups,
    Group,
    ListGroups,
    ListMembers,
    RemoveMember,
    RenameGroup,
)
from bitvault.actors.identity.contract.refusals import (
    BadCredentials,
    CredentialNotFound,
    GroupNotFound,
    GroupTaken,
    LoginTaken,
    TenantTaken,
    TooManyAttempts,
    TooManyGroups,
    Unauthenticated,
    UserNotFound,
)

__all__ = [
    "AddMember",
    "Authenticate",
    "BadCredentials",
    "ChangePassword",
    "CloseSession",
    "CreateGroup",
    "CreateTenant",
    "CreateToken",
    "CreateUser",
    "Credential",
    "CredentialNotFound",
    "DeleteGroup",
    "DescribeMe",
    "EnsureTenant",
    "FindGroups",
    "FindUsers",
    "Group",
    "GroupNotFound",
    "GroupTaken",
    "ListCredentials",
    "ListGroups",
    "ListMembers",
    "ListUsers",
    "LoginTaken",
    "OpenSession",
    "RemoveMember",
    "RenameGroup",
    "SecretIssued",
    "TenantTaken",
    "TooManyAttempts",
    "TooManyGroups",
    "Unauthenticated",
    "User",
    "UserNotFound",
]
