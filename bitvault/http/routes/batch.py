"""Up to 1000 changes to trees in one request."""

from bitvault.actors.files import contract as files
from bitvault.actors.files.contract import Apply, IfExists
from bitvault.edge.admission import Audience
from bitvault.edge.rejections import Rejected
from bitvault.http import shapes
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import NoQuery, Routes
from bitvault.http.preconditions import revision_of
from bitvault.http.routes.folders import folder_of
from bitvault.kernel.principal import Scope
from bitvault.kernel.refusal import Refusal
from bitvault.wire import batch as wire
from bitvault.wire.nodes import Written
from bitvault.wire.problems import Outcomes

routes = Routes("batch")


@routes.route(
    "POST",
    "/v1/batch",
    {200: Outcomes[Written]},
    scope=Scope.WRITE,
    audience=Audience.CONFINED,
    body=wire.Batch,
    items=lambda body: len(body.operations),
)
async def apply_batch(call: Call[wire.Batch, NoQuery]) -> Reply:
    """Apply operations in order, in one transaction; each succeeds or is refused by itself."""
    operations = tuple(_placed(at, one) for at, one in enumerate(call.body.operations))
    outcomes = await call.ask(Apply(call.caller, operations))
    shown = (one if isinstance(one, Refusal) else shapes.written(one) for one in outcomes)
    items = tuple(
        call.outcome(201 if isinstance(made, files.MakeFolder | files.CopyNode) else 200, one)
        for made, one in zip(operations, shown, strict=True)
    )
    return Reply(200, Outcomes(items=items))


def _placed(index: int, body: wire.Operation) -> files.Operation:
    """Read one operation; what is wrong with it is named by its place in the list."""
    try:
        return _operation(body)
    except Rejected as rejected:
        field = f"operations[{index}].{rejected.members.get('field')}"
        members = {**rejected.members, "field": field}
        raise Rejected(rejected.code, f"operations[{index}].{rejected.detail}", **members) from None


def _operation(body: wire.Operation) -> files.Operation:  # noqa: PLR0911 - one for each operation
    match body:
        case wire.BatchMkdir():
            return folder_of(body)
        case wire.BatchMove():
            return files.MoveNode(
                _target(body),
                shapes.parent(body),
                body.name,
                IfExists(body.if_exists),
                revision_of(body.if_match),
            )
        case wire.BatchCopy():
            parent = shapes.target(body.parent_id, body.parent_path, None, "parentPath")
            return files.CopyNode(_target(body), parent, body.name, IfExists(body.if_exists))
        case wire.BatchTrash():
            return files.TrashNode(_target(body), revision_of(body.if_match))
        case wire.BatchRestore():
            if_exists = IfExists(body.if_exists)
            return files.RestoreEntry(body.entry_id, shapes.parent(body), body.name, if_exists)
        case wire.BatchPurge():
            return files.PurgeEntry(body.entry_id)
        case wire.BatchRestoreVersion():
            return files.RestoreVersion(_target(body), body.version, revision_of(body.if_match))


def _target(
    body: wire.BatchMove | wire.BatchCopy | wire.BatchTrash | wire.BatchRestoreVersion,
) -> files.Target:
    return shapes.target(body.id, body.path, body.space_id)
