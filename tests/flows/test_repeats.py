"""A request sent again under its key changes nothing more, on every route that takes one."""

import json
from uuid import uuid4

from bitvault.http.routes import ENDPOINTS
from tests.flows.belongings import make
from tests.flows.matrix import endpoint_of, status_of
from tests.flows.walls import ROUTES
from tests.http.support.requests import GOOD
from tests.support.daemon import Daemon
from tests.support.tables import changes

ORDER = ["", "trash_node", "apply_batch"]
"""What takes something away comes last."""
ELSEWHERE = {
    "commit_upload": "test_uploads.py: a second commit gives the first answer",
    "commit_uploads": "the same",
    "confirm_email": "the secret that a mail has is good once",
    "find_device": "it changes nothing",
    "approve_device": "a code is decided once",
    "deny_device": "a code is decided once",
    "add_identity_provider": "a tenant has an issuer and a client of it once",
    "export_tenant": "it reads a tenant that leaves, and notes each time that it was read",
    "scim_search": "it does nothing",
    "purge_entry": "test_repeats.py of files: a repeated apply answers the same",
}
"""Routes whose examples cannot succeed: where repeats are tried, or why they need not be."""
MORE = [
    ("POST", "/v1/tokens", {"name": "mine"}),
    ("POST", "/scim/v2/Users", {"userName": "mine"}),
]
"""Examples that succeed, of routes that are refused in the list, or whose name may be taken."""


TOLD = {"audit.entry", "outbox.consumer_cursor", "outbox.event", "outbox.tenant_seq"}
RENEWED = {
    "create_token": {"identity.credential"},
    "create_token_of": {"identity.credential"},
    "create_link": {"sharing.link", *TOLD},
    "get_contents": {"audit.download"},
    "send_invitation": {"identity.invitation", "notifier.mail", "notifier.allowance"},
    "resend_mail": {"identity.invitation", "notifier.mail", "notifier.allowance"},
}
"""What may change at a repeat: a secret that is shown once is another one the second time, which is
told where the first is of no use any more; content that is handed out again is counted; a mail is
sent by itself, with a secret of that moment, and charged when it is."""


def test_a_repeat_under_the_same_key_changes_nothing(standing: Daemon) -> None:
    """Each is done once: the second answer has the first one's status, and no row changes."""
    keyed = [each for each in ENDPOINTS if each.takes_idempotency_key]
    tried = {endpoint_of(one).operation_id for one in ROUTES}
    examples = [one for one in ROUTES if endpoint_of(one).takes_idempotency_key]
    examples += [(e.method, *GOOD[e.operation_id]) for e in keyed if e.operation_id not in tried]
    examples += MORE
    examples.sort(key=lambda one: _place(endpoint_of(one).operation_id))
    done, wrong = set(), []
    with standing.client() as client:
        owned = make(client)
        for number, example in enumerate(examples):
            method, path, body = example
            body = json.loads(json.dumps(body).replace("mine", f"mine {number}"))
            operation = endpoint_of(example).operation_id
            filled = {"json": owned.fill(body), "headers": {"Idempotency-Key": str(uuid4())}}
            first = client.request(method, owned.fill(path), **filled)
            with changes(standing) as changed:
                second = client.request(method, owned.fill(path), **filled)
            if status_of(first) < 400:
                done.add(operation)
            changed = [name for name in changed if name not in RENEWED.get(operation, ())]
            if changed or first.status_code != second.status_code:
                wrong.append(f"{example} {first.status_code} {second.status_code} {changed}")
    assert not wrong, "\n".join(wrong)
    assert {each.operation_id for each in keyed} - done == ELSEWHERE.keys()


def _place(operation: str) -> int:
    return ORDER.index(operation if operation in ORDER else "")
