"""Every endpoint there is, by topic; thin: wire to contract, ask, contract to wire."""

import sys
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from bitvault.http.endpoint import Endpoint

_SHOWN = (
    "sessions", "devices", "tokens", "users", "invitations", "mail", "groups", "spaces",
    "files", "sharing", "links", "uploads", "folders", "trash", "batch", "admin", "tenants",
    "policies", "quotas", "erasures", "exports", "jobs", "templates", "sso", "scim_users",
    "scim_groups", "scim_about",
)  # fmt: skip
"""The order of the topics in the documentation; those that are not named follow."""


def endpoints_of(package: ModuleType) -> tuple[Endpoint, ...]:
    """Return what the modules of a package declare in their ``routes``."""
    names = [found.name for found in iter_modules(package.__path__)]
    order = [*_SHOWN, *sorted(set(names) - set(_SHOWN))]
    topics = [import_module(f"{package.__name__}.{name}") for name in order if name in names]
    declared = [topic.routes for topic in topics if hasattr(topic, "routes")]
    return tuple(endpoint for routes in declared for endpoint in routes.endpoints)


ENDPOINTS = endpoints_of(sys.modules[__name__])
