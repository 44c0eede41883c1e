"""Small rooms that answer the contracts with what a test sets; the edge can't tell them apart."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import attrs
import trio
from quart.typing import TestClientProtocol

from bitvault.actors.audit import contract as audit
from bitvault.actors.files import contract as files
from bitvault.actors.identity import contract as identity
from bitvault.actors.jobs import contract as jobs
from bitvault.actors.letters import contract as letters
from bitvault.actors.notifier import contract as notifier
from bitvault.actors.sharing import contract as sharing
from bitvault.actors.sso import contract as sso
from bitvault.drivers.limits.memory import MemoryLimits
from bitvault.edge.disk import DiskReserve
from bitvault.edge.throttle import Rates
from bitvault.http.app import Application, create_app
from bitvault.http.browsers import Browsers
from bitvault.http.forwarded import Proxies
from bitvault.http.options import Options
from bitvault.http.preconditions import etag
from bitvault.kernel.access import Right, Role
from bitvault.kernel.backlog import Backlog
from bitvault.kernel.dependencies import Dependencies
from bitvault.kernel.events import Position
from bitvault.kernel.export import Exported, ExportRecords
from bitvault.kernel.ids import GroupId, NodeId, SpaceId, TenantId, UploadId, UserId
from bitvault.kernel.paging import Page
from bitvault.kernel.principal import Principal, Scope
from bitvault.kernel.refusal import Refusal
from bitvault.services import SERVICES, services_of
from supervisors import ChildStatus
from tests.support.determinism import FixedClock, SequenceIds

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ID = UUID("0190163d-8694-739b-aea5-966c26f8ad91")
HASH = "sha256:" + "a" * 64
TOKEN = "bv_" + "t" * 32
ADMIN_TOKEN = "bv_" + "a" * 32
OPERATOR_TOKEN = "bv_" + "o" * 32
SUSPENDED_TOKEN = "bv_" + "s" * 32
CONFINED_TOKEN = "bv_" + "c" * 32
SCOPED = {scope: f"bv_{scope.name * 8}" for scope in Scope}


def principal(*, is_admin: bool = False, scope: Scope = Scope.ACCOUNT) -> Principal:
    """Return a user."""
    return Principal(TenantId(ID), UserId(ID), "ann", is_admin, ID, scope=scope)


def node(**changes: Any) -> files.Node:
    """Return a file."""
    values = {
        "node_id": NodeId(ID), "kind": "file", "space_id": SpaceId(ID), "parent_id": NodeId(ID),
        "name": "a.txt", "path": "/a.txt", "size": 3, "hash": HASH, "version": 2, "revision": 7,
        "content_type": "text/plain", "content_modified_at": None, "created_at": NOW,
        "modified_at": NOW, "modified_by": UserId(ID),
    }  # fmt: skip
    return files.Node(**{**values, **changes})


TAG = etag(7, "/a.txt")
"""Of the node."""
WRITTEN = files.Written(node(), Position(ID, 9), None)
USER = identity.User(
    UserId(ID), TenantId(ID), "default", "ann", "Ann", is_admin=True, created_at=NOW
)
TENANT = identity.Tenant(TenantId(ID), "acme", NOW, is_suspended=True, max_users=5)
POLICY = identity.TenantPolicy(identity.Policy(), identity.Policy(), identity.Policy(), 3)
ERASURE = identity.Erasure(TenantId(ID), "acme", "scheduled", NOW, NOW + timedelta(days=7))
GROUP = identity.Group(GroupId(ID), "Staff", NOW)
CREDENTIAL = identity.Credential(
    ID, "session", "", "bv_tttt", NOW, NOW, None, "127.0.0.1", "test", Scope.ACCOUNT
)
STEP = files.TransferStep("PUT", "http://store/x?sig=1", {"content-length": "3"}, NOW)
PLAN = files.UploadPlan("single", 3, 1)
OPENED = files.UploadOpened(UploadId(ID), PLAN, (STEP,), NOW + timedelta(days=7))
UPLOAD = files.UploadState(
    UploadId(ID), "open", SpaceId(ID), "/a", 3, HASH, PLAN, NOW, NOW,
    (files.ReceivedPart(1, 3, '"e"', HASH),),
)  # fmt: skip
SPACE = files.Space(SpaceId(ID), "team", "Team", NodeId(ID), files.Role.MANAGER, None, 1, 0, 4, NOW)
TEMPLATE = files.Template("team", NodeId(ID))
USAGE = files.TenantUsage(100, 10, 1, 0, 4)
USER_USAGE = files.SpaceUsage(SpaceId(ID), 10, True, 1, 0, 4)
CONTENT = files.Content(node(), 2, 3, HASH, "GET", "http://store/y?sig=2", {}, NOW)
MEMBER = files.Member(UserId(ID), files.Role.EDITOR)
VERSION = files.Version(1, 3, HASH, "text/plain", None, NOW, UserId(ID), is_current=True)
ENTRY = files.TrashEntry(ID, node(), "/a.txt", NOW, UserId(ID))

AUDITED = audit.Entry(
    9, ID, "node.committed", ID, UserId(ID), NOW, "req-00001", "192.0.2.7", "curl/8",
    {"parent_id": str(ID), "size": 3},
)  # fmt: skip
LETTER = letters.DeadLetter("audit", 9, ID, "node.moved", ID, 5, "ValueError: x", NOW)
FAILING = letters.StillFailing("audit", ID, 9, "ValueError: x")

GRANTEE = sharing.Grantee(sharing.GranteeKind.USER, ID)
GRANT = sharing.Grant(ID, NodeId(ID), GRANTEE, Role.EDITOR, 1, UserId(ID), NOW)
REASON = sharing.Reason(sharing.Source.GRANT, Role.EDITOR, NodeId(ID), "/a")
HOLDER = sharing.Holder(GRANTEE, Role.EDITOR, Right.READ | Right.CHANGE, (REASON,))
PREVIEW = sharing.Preview(
    (sharing.Shift(GRANTEE, Right(0), Right.READ),), 1, 0, 1000, 5, is_more=True
)  # fmt: skip
SHARES = sharing.Shares((GRANT,), is_restricted=True)

LINK = sharing.Link(
    ID, NodeId(ID), Role.VIEWER, "for all", False, None, 5, 1, False, 2, UserId(ID), NOW,
)  # fmt: skip

GUEST = attrs.evolve(principal(scope=Scope.WRITE), is_guest=True)
INVITATION = identity.Invitation(
    ID, "bob@example.org", "bob", "Bob", False, (GroupId(ID),), UserId(ID), NOW, NOW
)
MAIL_SETTINGS = identity.MailSettings("ann@example.org", "new@example.org", ("share",))
MAIL = notifier.Mail(
    ID, 9, "share", ID, "failed", 3, NOW, NOW, NOW, "ann@example.org", "550 no such user"
)
TURN = jobs.JobTurn(3, NOW, NOW, 0.25, {"blobs_collected": 2}, None)
JOB = jobs.Job(
    "collect", "collects", "root/workers/finalizer", "idle", None, 3, 0, NOW, TURN, TURN, None,
    None, {"blobs_collected": 9}, Backlog(4, NOW),
)  # fmt: skip
PROVIDER = sso.Provider(ID, sso.ProviderTerms("Acme", "https://id.example.org", "bv"), True, 7, NOW)

ANSWERS: dict[type, Callable[[Any], Any]] = {
    identity.OpenSession: lambda _: identity.SecretIssued(TOKEN, CREDENTIAL, USER),
    identity.RefreshSession: lambda _: identity.SessionRefreshed(
        TOKEN, identity.Rotation("bvf_x", NOW), NOW
    ),
    identity.BeginDevice: lambda _: identity.DeviceBegun("bvd_x", "WDJB-MJHT", 600, 5),
    identity.CollectSession: lambda _: identity.SecretIssued(TOKEN, CREDENTIAL, USER),
    identity.FindDevice: lambda _: identity.Device("probe", "192.0.2.7", "curl/8", NOW, NOW, True),
    identity.AnswerDevice: lambda _: None,
    identity.CloseSession: lambda _: None,
    identity.ListCredentials: lambda _: (CREDENTIAL,),
    identity.DescribeCredential: lambda _: CREDENTIAL,
    identity.CreateToken: lambda _: identity.SecretIssued(TOKEN, CREDENTIAL, USER),
    identity.ChangePassword: lambda _: None,
    identity.DescribeMe: lambda _: USER,
    identity.CreateUser: lambda _: USER,
    identity.ListUsers: lambda _: Page((USER,), None),
    identity.FindUsers: lambda _: (USER,),
    identity.ChangeUser: lambda _: USER,
    identity.ProvisionUser: lambda _: identity.ProvisionedUser(USER, "x-1", (GROUP,)),
    identity.ReviseUser: lambda _: identity.ProvisionedUser(USER, "x-1", (GROUP,)),
    identity.FindProvisionedUsers: lambda _: identity.Matches(
        (identity.ProvisionedUser(USER, "x-1", (GROUP,)),), 1
    ),
    identity.ProvisionGroup: lambda _: identity.ProvisionedGroup(GROUP, "x-2", (USER,)),
    identity.ReviseGroup: lambda _: identity.ProvisionedGroup(GROUP, "x-2", (USER,)),
    identity.FindProvisionedGroups: lambda _: identity.Matches(
        (identity.ProvisionedGroup(GROUP, "x-2", (USER,)),), 1
    ),
    identity.DeleteUser: lambda _: None,
    identity.CloseOtherSessions: lambda _: None,
    identity.Invite: lambda _: INVITATION,
    identity.ListInvitations: lambda _: Page((INVITATION,), None),
    identity.GetInvitation: lambda _: INVITATION,
    identity.SendInvitationAgain: lambda _: INVITATION,
    identity.RevokeInvitation: lambda _: None,
    identity.OpenInvitation: lambda _: identity.Invited("acme", "bob", "Bob", "b@x.org", NOW),
    identity.AcceptInvitation: lambda _: identity.SecretIssued(TOKEN, CREDENTIAL, USER),
    identity.GetMailSettings: lambda _: MAIL_SETTINGS,
    identity.Mute: lambda _: MAIL_SETTINGS,
    identity.ProposeOwnEmail: lambda _: MAIL_SETTINGS,
    identity.ProposeEmail: lambda _: MAIL_SETTINGS,
    identity.ConfirmEmail: lambda _: MAIL_SETTINGS,
    identity.AllowReset: lambda _: None,
    identity.UseReset: lambda _: None,
    notifier.ListMail: lambda _: Page((MAIL,), None),
    notifier.InspectMail: lambda _: notifier.Mails(True, 2, 1, NOW),
    notifier.ResendMail: lambda _: MAIL,
    identity.CloseSessionsOf: lambda _: None,
    files.PassOn: lambda _: files.PassedOn(SpaceId(ID), "Files of ann"),
    identity.AddTenant: lambda _: TENANT,
    identity.ListTenants: lambda _: Page((TENANT,), None),
    identity.FindTenants: lambda _: (TENANT,),
    identity.ChangeTenant: lambda _: TENANT,
    identity.DescribePolicy: lambda _: POLICY,
    identity.ChangePolicy: lambda _: POLICY,
    identity.ScheduleErasure: lambda _: ERASURE,
    identity.ListErasures: lambda _: (ERASURE,),
    identity.RevokeErasure: lambda _: None,
    identity.BeginExport: lambda _: None,
    ExportRecords: lambda _: Exported(({"user_id": ID, "created_at": NOW},), [str(ID)]),
    identity.CreateGroup: lambda _: GROUP,
    identity.RenameGroup: lambda _: GROUP,
    identity.DeleteGroup: lambda _: None,
    identity.ListGroups: lambda _: Page((GROUP,), None),
    identity.FindGroups: lambda _: (GROUP,),
    identity.ListMembers: lambda _: Page((USER,), None),
    identity.AddMember: lambda _: USER,
    identity.RemoveMember: lambda _: None,
    identity.OpenSessionOf: lambda _: identity.SecretIssued(TOKEN, CREDENTIAL, USER),
    sso.AddProvider: lambda _: PROVIDER,
    sso.ListProviders: lambda _: (PROVIDER,),
    sso.GetProvider: lambda _: PROVIDER,
    sso.ChangeProvider: lambda _: PROVIDER,
    sso.RemoveProvider: lambda _: None,
    sso.ListWays: lambda _: (sso.Way(ID, "Acme"),),
    sso.BeginSignIn: lambda _: sso.SignInBegun("https://id.example.org/auth?x=1", "b" * 43, True),
    sso.FinishSignIn: lambda _: sso.SignInFinished("http://127.0.0.1:9/?code=c&state=s"),
    sso.LogOut: lambda _: None,
    sso.RedeemSignIn: lambda _: sso.SignInRedeemed(TenantId(ID), UserId(ID), ID, None),
    jobs.ListJobs: lambda _: (JOB,),
    jobs.GetJob: lambda _: JOB,
    jobs.RunJob: lambda _: jobs.RunStarted(JOB, 4),
    audit.RecordDownloads: lambda _: None,
    audit.ListEntries: lambda _: Page((AUDITED,), "next"),
    letters.ListDeadLetters: lambda _: Page((LETTER,), None),
    letters.ReplayDeadLetters: lambda _: letters.Replay(2, (FAILING,), None),
    files.Apply: lambda request: tuple(WRITTEN for _ in request.operations),
    files.GetNode: lambda _: node(),
    files.ListChildren: lambda _: Page((node(),), "next"),
    files.ListVersions: lambda _: Page((VERSION,), None),
    files.ListTrash: lambda _: Page((ENTRY,), None),
    files.GetContents: lambda request: tuple(CONTENT for _ in request.drafts),
    files.InitUploads: lambda request: tuple(OPENED for _ in request.drafts),
    files.CommitUploads: lambda request: tuple(WRITTEN for _ in request.commits),
    files.DescribeUpload: lambda _: UPLOAD,
    files.ListUploads: lambda _: Page((UPLOAD,), None),
    files.SignUploadParts: lambda _: (STEP,),
    files.AbortUpload: lambda _: None,
    files.AbortUploads: lambda request: tuple(
        files.UploadEnded(one, "aborted") for one in request.upload_ids
    ),
    files.ListSpaces: lambda _: Page((SPACE,), None),
    files.GetSpace: lambda _: SPACE,
    files.CreateSpace: lambda _: SPACE,
    files.UpdateSpace: lambda _: SPACE,
    files.ListTemplates: lambda _: (TEMPLATE,),
    files.SetTemplate: lambda _: TEMPLATE,
    files.DropTemplate: lambda _: None,
    files.DescribeUsage: lambda _: USAGE,
    files.ChangeQuota: lambda _: USAGE,
    files.DescribeUserUsage: lambda _: USER_USAGE,
    files.ChangeUserQuota: lambda _: USER_USAGE,
    files.ListMembers: lambda _: Page((MEMBER,), None),
    files.GetMember: lambda _: MEMBER,
    files.SetMember: lambda _: MEMBER,
    files.RemoveMember: lambda _: None,
    files.DeleteSpace: lambda _: None,
    files.GetNodes: lambda request: tuple(node() for _ in request.node_ids),
    sharing.ListGrants: lambda _: SHARES,
    sharing.GetGrant: lambda _: GRANT,
    sharing.PutGrant: lambda _: GRANT,
    sharing.RemoveGrant: lambda _: None,
    sharing.Restrict: lambda _: SHARES,
    sharing.ExplainAccess: lambda _: Page((HOLDER,), None),
    sharing.PreviewAccess: lambda _: PREVIEW,
    sharing.CreateLink: lambda _: sharing.LinkIssued(LINK, "bvl_x"),
    sharing.ListLinks: lambda _: Page((LINK,), None),
    sharing.GetLink: lambda _: LINK,
    sharing.ChangeLink: lambda _: LINK,
    sharing.DeleteLink: lambda _: None,
    sharing.DescribeOwnLink: lambda _: LINK,
    sharing.OpenLink: lambda asked: GUEST if asked.may_hash else sharing.PasswordUnjudged(),
    sharing.ListShared: lambda _: Page((sharing.SharedNode(NodeId(ID), Role.VIEWER),), None),
}


@attrs.define
class Room:
    """Answers like a `Ref`; ``asked`` holds every request but the authentications."""

    held: trio.Event | None = None
    """Until it is set, no request is answered."""
    answers: dict[type, Callable[[Any], Any]] = attrs.field(factory=lambda: dict(ANSWERS))
    asked: list[Any] = attrs.field(factory=list)
    principal: Principal = attrs.field(factory=principal)
    """Whose the first token is."""

    async def ask(self, request: Any, *, timeout: float = 30.0) -> Any:  # noqa: ASYNC109 - a Ref's
        """Answer a request."""
        if isinstance(request, identity.Authenticate):
            known = {TOKEN: self.principal, ADMIN_TOKEN: principal(is_admin=True)}
            known[OPERATOR_TOKEN] = attrs.evolve(principal(is_admin=True), is_operator=True)
            suspended = attrs.evolve(principal(is_admin=True), is_suspended=True)
            known |= {SUSPENDED_TOKEN: suspended}
            confined = principal(scope=Scope.WRITE)
            known |= {CONFINED_TOKEN: attrs.evolve(confined, confined_to=NodeId(ID))}
            known |= {SCOPED[scope]: principal(scope=scope) for scope in Scope}
            return known.get(request.token, identity.Unauthenticated())
        self.asked.append(request)
        if self.held is not None:
            await self.held.wait()
        return self.answers[type(request)](request)

    def tell(self, request: Any) -> None:
        """Take a request that is not answered."""
        self.asked.append(request)

    def refuse(self, refusal: Refusal) -> None:
        """Answer everything with a refusal, each item of a batch included."""
        for kind in self.answers:
            self.answers[kind] = lambda _request: refusal
        for kind in (files.Apply, files.GetContents, files.InitUploads, files.CommitUploads):
            self.answers[kind] = lambda _request: (refusal,)

    def crash(self, error: Exception) -> None:
        """Raise at every request."""

        def answer(_request: Any) -> Any:
            raise error

        for kind in self.answers:
            self.answers[kind] = answer


@attrs.frozen
class Mailbox:
    """What a room counts, as the runtime shows it."""

    queued: int = 3


@attrs.frozen
class Counted:
    """Statistics with a mailbox and a lag."""

    mailbox: Mailbox = Mailbox()
    lag: int = 12
    lag_seconds: float = 1.5
    dead: int = 2


@attrs.define
class World:
    """An edge over one room that plays all of them."""

    room: Room = attrs.field(factory=Room)
    state: str = "running"
    free: int = 1 << 40
    """Bytes on the disk; a thousand are kept."""
    rates: Rates = attrs.field(factory=Rates)
    proxies: Proxies = attrs.field(factory=Proxies)
    browsers: Browsers = attrs.field(factory=Browsers)
    requests_at_once: int = 256
    time: float = 1000.0
    """Of the limits, in seconds."""
    dependencies: Dependencies = attrs.field(factory=Dependencies)
    app: Application = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        services = services_of(SERVICES, lambda _: cast("Any", self.room))
        options = Options(
            body_limit=1 << 20,
            body_timeout=5,
            rates=self.rates,
            proxies=self.proxies,
            browsers=self.browsers,
            requests_at_once=self.requests_at_once,
        )
        limits = MemoryLimits(now=lambda: self.time)
        clock, ids = FixedClock(NOW), SequenceIds(1)
        reserve = DiskReserve(lambda: self.free, 1000, holds_objects=True)
        self.app = create_app(
            services,
            clock,
            ids,
            limits,
            tree=self.tree,
            options=options,
            reserve=reserve,
            dependencies=self.dependencies,
        )

    def tree(self) -> ChildStatus:
        """Return a small tree."""
        files_room = ChildStatus(
            "files", "root/files", "worker", self.state, 2, "ValueError: x", 1.0, Counted(), ()
        )
        return ChildStatus(
            "root", "root", "supervisor", "running", 0, None, 1.0, None, (files_room,)
        )

    async def send(
        self, method: str, path: str, *, token: str | None = TOKEN, peer: str = "203.0.113.9",
        headers: dict[str, str] | None = None, **options: Any,
    ) -> Any:  # fmt: skip
        """Send a request from ``peer``; options as of Quart's test client (json, data)."""
        sent = {} if token is None else {"Authorization": f"Bearer {token}"}
        client: TestClientProtocol = self.app.test_client()
        return await client.open(
            path,
            method=method,
            headers={**sent, **(headers or {})},
            scope_base={"client": (peer, 5)},
            **options,
        )
