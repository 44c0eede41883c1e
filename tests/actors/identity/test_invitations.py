"""Invitations: a secret that is made when it is sent, is good once, and for 72 hours."""

import pytest
from attrs import evolve

from bitvault.actors.identity.actor import Identity
from bitvault.actors.identity.contract import (
    AcceptInvitation,
    AlreadyInvited,
    Authenticate,
    ChangeTenant,
    ChangeUser,
    CreateGroup,
    CreateUser,
    DeleteUser,
    GetMailSettings,
    Group,
    GroupNotFound,
    Invitation,
    InvitationLetter,
    InvitationNotFound,
    Invite,
    ListInvitations,
    LoginTaken,
    MailNotConfigured,
    MailSettings,
    MintInvitation,
    OpenInvitation,
    OpenSession,
    RevokeInvitation,
    SecretIssued,
    SendInvitationAgain,
    TenantSuspended,
    TooManyUsers,
    User,
)
from bitvault.kernel.ids import GroupId
from bitvault.kernel.paging import Page
from bitvault.kernel.principal import Caller, Idempotency, Principal
from bitvault.kernel.refusal import Forbidden, IdempotencyConflict, Invalid
from tests.actors.identity.conftest import ORIGIN, PASSWORD
from tests.support.determinism import FixedClock
from tests.support.rewiring import rewire


@pytest.fixture
async def root(identity: Identity, session: SecretIssued) -> Caller:
    """Be the tenant's admin, on a server that sends mail."""
    rewire(identity, options=evolve(identity.options, sends_mail=True))
    principal = await identity.handle(Authenticate(session.token, ORIGIN))
    assert isinstance(principal, Principal)
    return Caller(principal, ORIGIN)


async def invited(identity: Identity, root: Caller, login: str = "bob") -> Invitation:
    """Invite somebody."""
    made = await identity.handle(Invite(root, f"{login}@example.org", login))
    assert isinstance(made, Invitation)
    return made


async def token_of(identity: Identity, root: Caller, invitation: Invitation) -> str:
    """Have the mail written, and read its secret."""
    mint = MintInvitation(root.tenant_id, invitation.invitation_id)
    letter = await identity.handle(mint)
    assert isinstance(letter, InvitationLetter)
    assert letter.token not in repr(letter)
    return letter.token


def accept(token: str, password: str = PASSWORD) -> AcceptInvitation:
    """Return the request of whoever got the mail."""
    return AcceptInvitation(token, password, "Bob", ORIGIN)


@pytest.mark.requirement("X14")
async def test_an_invitation_becomes_a_user_once(identity: Identity, root: Caller) -> None:
    """With the address, the groups there still are, and a session; the token is spent."""
    group = await identity.handle(CreateGroup(root, "Staff"))
    assert isinstance(group, Group)
    request = Invite(root, "bob@example.org", "bob", "", True, (group.group_id,))
    made = await identity.handle(request)
    assert isinstance(made, Invitation)
    token = await token_of(identity, root, made)
    issued = await identity.handle(accept(token))
    assert isinstance(issued, SecretIssued)
    principal = await identity.handle(Authenticate(issued.token, ORIGIN))
    assert isinstance(principal, Principal)
    assert (principal.login, principal.is_admin, principal.groups) == (
        "bob", True, (GroupId(group.group_id),),
    )  # fmt: skip
    bob = Caller(principal, ORIGIN)
    assert await identity.handle(GetMailSettings(bob)) == MailSettings("bob@example.org")
    assert await identity.handle(accept(token)) == InvitationNotFound()
    assert await identity.handle(OpenInvitation(token)) == InvitationNotFound()
    opened = await identity.handle(OpenSession("acme", "bob", PASSWORD, ORIGIN))
    assert isinstance(opened, SecretIssued)


async def test_a_repeat_invites_nobody_twice(identity: Identity, root: Caller) -> None:
    """Under the same Idempotency-Key the first answer is given again; another request is none."""
    keyed = evolve(root, idempotency=Idempotency("k", b""))
    request = Invite(keyed, "bob@example.org", "bob")
    made = await identity.handle(request)
    assert isinstance(made, Invitation)
    assert await identity.handle(request) == made
    other = Invite(keyed, "eve@example.org", "bob")
    assert await identity.handle(other) == IdempotencyConflict()


@pytest.mark.requirement("X14")
async def test_the_latest_mail_is_the_one_that_is_good(identity: Identity, root: Caller) -> None:
    """A retry of the mail, and sending it again, each kill the secret before."""
    made = await invited(identity, root)
    first = await token_of(identity, root, made)
    second = await token_of(identity, root, made)
    assert await identity.handle(OpenInvitation(first)) == InvitationNotFound()
    await identity.handle(SendInvitationAgain(root, made.invitation_id))
    assert await identity.handle(OpenInvitation(second)) == InvitationNotFound()
    third = await token_of(identity, root, made)
    assert isinstance(await identity.handle(accept(third)), SecretIssued)


async def test_an_invitation_ends(identity: Identity, root: Caller, clock: FixedClock) -> None:
    """After 72 hours, or when it is revoked; then the login can be invited anew."""
    made = await invited(identity, root)
    token = await token_of(identity, root, made)
    assert await identity.handle(Invite(root, "x@example.org", "BOB")) == AlreadyInvited("BOB")
    clock.advance(72 * 3600 + 1)
    assert await identity.handle(accept(token)) == InvitationNotFound()
    mint = MintInvitation(root.tenant_id, made.invitation_id)
    assert await identity.handle(mint) is None
    again = await invited(identity, root)
    token = await token_of(identity, root, again)
    assert await identity.handle(RevokeInvitation(root, again.invitation_id)) is None
    assert await identity.handle(accept(token)) == InvitationNotFound()
    page = await identity.handle(ListInvitations(root))
    assert isinstance(page, Page)
    assert page.items == ()


async def test_what_refuses_an_acceptance_does_not_spend_it(
    identity: Identity, root: Caller
) -> None:
    """A short password, a full or a suspended tenant, a login that was taken meanwhile."""
    made = await invited(identity, root)
    token = await token_of(identity, root, made)
    short = await identity.handle(accept(token, "short"))
    assert isinstance(short, Invalid)
    assert short.field == "password"
    operator = evolve(root, principal=evolve(root.principal, is_operator=True))
    tenant = root.tenant_id
    elsewhere = evolve(
        operator, principal=evolve(operator.principal, tenant_id=identity.ids.uuid7())
    )
    await identity.handle(ChangeTenant(operator, tenant, max_users=1))
    assert await identity.handle(accept(token)) == TooManyUsers(1)
    await identity.handle(ChangeTenant(operator, tenant, unlimited_users=True))
    await identity.handle(ChangeTenant(elsewhere, tenant, is_suspended=True))
    assert await identity.handle(accept(token)) == TenantSuspended()
    await identity.handle(ChangeTenant(elsewhere, tenant, is_suspended=False))
    assert isinstance(await identity.handle(accept(token)), SecretIssued)


async def test_bad_invitations_are_refused(identity: Identity, root: Caller) -> None:
    """By name and rule: addresses, logins, groups, those who may not, and no mail server."""
    for email in (
        "",
        "bob",
        "bob@",
        "a b@example.org",
        "b@x.org\r\nBcc: e@x.org",
        "b@x.org,c@x.org",
    ):
        refused = await identity.handle(Invite(root, email, "bob"))
        assert isinstance(refused, Invalid)
        assert refused.field == "email"
    assert await identity.handle(Invite(root, "r@example.org", "ROOT")) == LoginTaken("ROOT")
    nobody = identity.ids.uuid7()
    missing = Invite(root, "b@example.org", "bob", group_ids=(nobody,))
    assert await identity.handle(missing) == GroupNotFound(str(nobody))
    user = evolve(root, principal=evolve(root.principal, is_admin=False))
    assert isinstance(await identity.handle(Invite(user, "b@example.org", "bob")), Forbidden)
    rewire(identity, options=evolve(identity.options, sends_mail=False))
    assert await identity.handle(Invite(root, "b@example.org", "bob")) == MailNotConfigured()


@pytest.mark.requirement("X8")
@pytest.mark.parametrize("way", ["disabled", "deleted", "no admin"])
async def test_an_invitation_is_worth_what_its_inviter_may_do(
    identity: Identity, root: Caller, way: str
) -> None:
    """Who is removed cannot let themself in again; another admin may take it on."""
    mal = await identity.handle(CreateUser(root, "mal", PASSWORD, is_admin=True))
    assert isinstance(mal, User)
    opened = await identity.handle(OpenSession("acme", "mal", PASSWORD, ORIGIN))
    assert isinstance(opened, SecretIssued)
    caller = Caller(await identity.handle(Authenticate(opened.token, ORIGIN)), ORIGIN)
    made = await identity.handle(Invite(caller, "m@example.org", "again", "", True))
    assert isinstance(made, Invitation)
    token = await token_of(identity, root, made)

    ends = {
        "disabled": ChangeUser(root, mal.user_id, is_disabled=True),
        "deleted": DeleteUser(root, mal.user_id),
        "no admin": ChangeUser(root, mal.user_id, is_admin=False),
    }
    await identity.handle(ends[way])

    assert await identity.handle(OpenInvitation(token)) == InvitationNotFound()
    assert await identity.handle(accept(token)) == InvitationNotFound()
    mint = MintInvitation(root.tenant_id, made.invitation_id)
    assert await identity.handle(mint) is None
    again = await identity.handle(SendInvitationAgain(root, made.invitation_id))
    assert again.invited_by == root.principal.user_id
    assert isinstance(
        await identity.handle(accept(await token_of(identity, root, made))), SecretIssued
    )
