"""Every endpoint there is, by topic; thin: wire to contract, ask, contract to wire."""

from collections.abc import Sequence

from bitvault.http.endpoint import Endpoint
from bitvault.http.routes import (
    admin,
    batch,
    devices,
    erasures,
    exports,
    files,
    folders,
    groups,
    invitations,
    jobs,
    links,
    mail,
    policies,
    quotas,
    scim_about,
    scim_groups,
    scim_users,
    sessions,
    sharing,
    spaces,
    sso,
    templates,
    tenants,
    tokens,
    trash,
    uploads,
    users,
)

ENDPOINTS: Sequence[Endpoint] = tuple(
    endpoint
    for topic in (
        sessions,
        devices,
        tokens,
        users,
        invitations,
        mail,
        groups,
        spaces,
        files,
        sharing,
        links,
        uploads,
        folders,
        trash,
        batch,
        admin,
        tenants,
        policies,
        quotas,
        erasures,
        exports,
        jobs,
        templates,
        sso,
        scim_users,
        scim_groups,
        scim_about,
    )
    for endpoint in topic.routes.endpoints
)
