"""The identity service: who is who, and by which secret."""

from attrs import define, field

from bitvault.actors.identity.actor.accounts.access import AccountAccess
from bitvault.actors.identity.actor.accounts.addresses import Addresses
from bitvault.actors.identity.actor.accounts.attempts import Attempts
from bitvault.actors.identity.actor.accounts.credentials import Credentials
from bitvault.actors.identity.actor.accounts.devices import Devices
from bitvault.actors.identity.actor.accounts.failed_login_publisher import FailedLoginPublisher
from bitvault.actors.identity.actor.accounts.failed_logins import FailedLogins
from bitvault.actors.identity.actor.accounts.invitations import Invitations
from bitvault.actors.identity.actor.accounts.issuer import CredentialIssuer
from bitvault.actors.identity.actor.accounts.lifecycle import Lifecycle
from bitvault.actors.identity.actor.accounts.logins import Logins
from bitvault.actors.identity.actor.accounts.own_password import OwnPassword
from bitvault.actors.identity.actor.accounts.resets import Resets
from bitvault.actors.identity.actor.accounts.rotations import Rotations
from bitvault.actors.identity.actor.accounts.sessions import Sessions
from bitvault.actors.identity.actor.accounts.users import Users
from bitvault.actors.identity.actor.principals import Principals
from bitvault.actors.identity.actor.provisioning.external_identities import ExternalIdentities
from bitvault.actors.identity.actor.provisioning.groups import Groups
from bitvault.actors.identity.actor.provisioning.provider_revocations import ProviderRevocations
from bitvault.actors.identity.actor.provisioning.provisioning import Provisioning
from bitvault.actors.identity.actor.tenants.erasures import Erasures
from bitvault.actors.identity.actor.tenants.policies import Policies
from bitvault.actors.identity.actor.tenants.runs import Runs
from bitvault.actors.identity.actor.tenants.tenants import Tenants
from bitvault.actors.identity.actor.tenants.trail import OperatorTrail
from bitvault.actors.identity.rules import IdentityOptions
from bitvault.actors.room import Room
from bitvault.drivers.limits.port import Limits
from bitvault.drivers.passwords.port import Passwords
from bitvault.drivers.postgres.port import Database
from bitvault.kernel.clock import Clock
from bitvault.kernel.ids import Ids
from bitvault.outbox import Outbox, Wakeups

__all__ = ["Identity"]


@define(eq=False)
class Identity(Room):
    """Accounts and credentials; tenants and policies; groups and provisioning."""

    database: Database
    passwords: Passwords
    clock: Clock
    ids: Ids
    limits: Limits
    options: IdentityOptions
    wakeups: Wakeups = field(factory=Wakeups)
    """Tells the relay that there are events; one of its own leaves it to look for itself."""
    principals: Principals = field(factory=Principals, init=False)

    outbox: Outbox = field(init=False)
    access: AccountAccess = field(init=False)
    issuer: CredentialIssuer = field(init=False)
    attempts: Attempts = field(init=False)

    users: Users = field(init=False)
    lifecycle: Lifecycle = field(init=False)
    own_password: OwnPassword = field(init=False)
    addresses: Addresses = field(init=False)
    resets: Resets = field(init=False)
    invitations: Invitations = field(init=False)
    logins: Logins = field(init=False)
    failed_login_publisher: FailedLoginPublisher = field(init=False)
    sessions: Sessions = field(init=False)
    rotations: Rotations = field(init=False)
    devices: Devices = field(init=False)
    credentials: Credentials = field(init=False)

    tenants: Tenants = field(init=False)
    policies: Policies = field(init=False)
    erasures: Erasures = field(init=False)
    runs: Runs = field(init=False)

    groups: Groups = field(init=False)
    provisioning: Provisioning = field(init=False)
    external_identities: ExternalIdentities = field(init=False)
    revocations: ProviderRevocations = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Put the parts together."""
        self.outbox = Outbox(self.ids, self.clock, self.wakeups)
        self.access = AccountAccess(self.database, self.clock, self.ids)
        self.issuer = CredentialIssuer(self.access, self.clock, self.ids, self.options)
        self.attempts = Attempts(self.limits)
        self._compose_accounts()
        self._compose_credentials()
        self._compose_tenants()
        self._compose_provisioning()

    def _compose_accounts(self) -> None:
        rows, drawn = (self.database, self.outbox), (self.clock, self.ids)
        hashed, options, access = (*rows, self.passwords), self.options, self.access
        self.users = Users(*hashed, access)
        self.lifecycle = Lifecycle(*rows, self.clock, self.principals)
        self.own_password = own = OwnPassword(
            *hashed, options, access, self.attempts, self.principals
        )
        self.addresses = Addresses(*rows, *drawn, self.limits, options, own)
        self.resets = Resets(*hashed, *drawn, options, access, self.attempts, self.principals)
        self.invitations = Invitations(*hashed, *drawn, options, access, self.issuer)

    def _compose_credentials(self) -> None:
        rows, clock, ids, options = (self.database, self.outbox), self.clock, self.ids, self.options
        access, issuer, attempts, known = self.access, self.issuer, self.attempts, self.principals
        failed = FailedLogins()
        self.logins = Logins(*rows, self.passwords, clock, options, issuer, attempts, failed)
        self.failed_login_publisher = FailedLoginPublisher(*rows, clock, failed)
        self.sessions = Sessions(*rows, clock, options, known)
        self.rotations = Rotations(*rows, clock, ids, options, attempts, known)
        self.devices = Devices(*rows, clock, ids, self.limits, options, access, issuer)
        self.credentials = Credentials(*rows, clock, access, issuer, known)

    def _compose_tenants(self) -> None:
        rows, clock, known = (self.database, self.outbox), self.clock, self.principals
        trail = OperatorTrail(*rows)
        drawn = self.passwords, clock, self.ids
        self.tenants = Tenants(self.database, *drawn, self.access, known, trail)
        self.policies = Policies(self.database, known, trail)
        self.erasures = Erasures(*rows, clock, known, trail)
        self.runs = Runs(*rows, clock)

    def _compose_provisioning(self) -> None:
        rows, drawn = (self.database, self.outbox), (self.clock, self.ids)
        access, issuer, known = self.access, self.issuer, self.principals
        self.groups = Groups(*rows, *drawn, known)
        self.provisioning = Provisioning(*rows, *drawn, access, known)
        self.external_identities = ExternalIdentities(
            *rows, *drawn, self.options, access, issuer, known
        )
        self.revocations = ProviderRevocations(*rows, self.clock, known)

    async def on_stop(self) -> None:
        """Publish what was counted of failed logins."""
        await self.failed_login_publisher.publish_all()
