"""Uploads: init, parts, commit, and how far they are."""

from bitvault.actors.files.contract import (
    AbortUpload,
    AbortUploads,
    CommittedPart,
    CommitUploads,
    DescribeUpload,
    IfExists,
    InitUploads,
    ListUploads,
    PartToSign,
    Sender,
    SignUploadParts,
    UploadCommit,
    UploadDraft,
    UploadOpened,
    UploadUnneeded,
)
from bitvault.edge.admission import Audience
from bitvault.edge.rejections import invalid
from bitvault.edge.services import only
from bitvault.http import shapes
from bitvault.http.call import Call, Reply
from bitvault.http.endpoint import NoBody, NoQuery, Routes
from bitvault.http.routes.files import written
from bitvault.http.routes.queries import Paged, page_reply
from bitvault.kernel.ids import UploadId
from bitvault.kernel.principal import Scope
from bitvault.kernel.refusal import Refusal, Refused
from bitvault.wire import uploads as wire
from bitvault.wire.fields import Page
from bitvault.wire.nodes import Written
from bitvault.wire.problems import Outcome, Outcomes

routes = Routes("uploads")

_PARTS_OF_A_UNIT = 100
"""Parts are signed and compared without asking the database: a hundred cost as much as a file."""


@routes.route(
    "POST",
    "/v1/files",
    {201: wire.UploadOpened, 200: Written},
    scope=Scope.WRITE,
    audience=Audience.GUESTS,
    body=wire.InitUpload,
)
async def init_upload(call: Call[wire.InitUpload, NoQuery]) -> Reply:
    """Start an upload: 201 with what to send, or 200 when nothing needs to be sent."""
    call.need_room(call.body.size)
    [one] = await call.ask(InitUploads(call.caller, (_draft(call.body),)))
    if isinstance(one, Refusal):
        raise Refused(one)
    if isinstance(one, UploadUnneeded):
        return written(one.written)
    return Reply(201, shapes.opened(one), {"Location": f"/v1/files/uploads/{one.upload_id}"})


@routes.route(
    "POST",
    "/v1/files/batch",
    {200: Outcomes[wire.InitOutcome]},
    scope=Scope.WRITE,
    audience=Audience.GUESTS,
    body=wire.InitUploads,
    items=lambda body: len(body.items),
)
async def init_uploads(call: Call[wire.InitUploads, NoQuery]) -> Reply:
    """Start up to 1000 uploads."""
    call.need_room(sum(item.size for item in call.body.items))
    drafts = tuple(_draft(item) for item in call.body.items)
    opened = await call.ask(InitUploads(call.caller, drafts))
    return Reply(200, Outcomes(items=tuple(_init_outcome(call, one) for one in opened)))


@routes.route(
    "POST",
    "/v1/files/{uploadId}/commit",
    {200: Written},
    scope=Scope.WRITE,
    audience=Audience.GUESTS,
    body=wire.CommitUpload,
    items=lambda body: 1 + len(body.parts) // _PARTS_OF_A_UNIT,
)
async def commit_upload(call: Call[wire.CommitUpload, NoQuery]) -> Reply:
    """Commit an upload: its bytes are proved and become a version. A repeat answers the same.

    A refused commit leaves the upload open: commit it again, with ``ifExists`` when the name was
    taken meanwhile, or abort it.
    """
    claim = _claim(call.path["uploadId"], call.body)
    return written(only(await call.ask(CommitUploads(call.caller, (claim,)))))


@routes.route(
    "POST",
    "/v1/files/commits",
    {200: Outcomes[Written]},
    scope=Scope.WRITE,
    audience=Audience.GUESTS,
    body=wire.CommitUploads,
    items=lambda body: len(body.items),
)
async def commit_uploads(call: Call[wire.CommitUploads, NoQuery]) -> Reply:
    """Commit up to 1000 uploads in one transaction; each succeeds or is refused by itself."""
    claims = tuple(_claim(item.upload_id, item) for item in call.body.items)
    done = await call.ask(CommitUploads(call.caller, claims))
    return Reply(200, call.outcomes(done, shapes.written))


@routes.route(
    "GET",
    "/v1/files/uploads",
    {200: Page[wire.Upload]},
    scope=Scope.READ,
    audience=Audience.CONFINED,
    query=Paged,
)
async def list_uploads(call: Call[NoBody, Paged]) -> Reply:
    """List your open uploads, newest first."""
    page = await call.ask(ListUploads(call.caller, call.query.cursor, call.query.limit))
    return page_reply(page, shapes.upload)


@routes.route(
    "GET",
    "/v1/files/uploads/{uploadId}",
    {200: wire.Upload},
    scope=Scope.READ,
    audience=Audience.GUESTS,
)
async def describe_upload(call: Call[NoBody, NoQuery]) -> Reply:
    """Say how far an upload is; the received parts are what the store holds."""
    state = await call.ask(DescribeUpload(call.caller, call.path["uploadId"]))
    return Reply(200, shapes.upload(state))


@routes.route(
    "DELETE",
    "/v1/files/uploads/{uploadId}",
    {204: None},
    scope=Scope.WRITE,
    audience=Audience.GUESTS,
)
async def abort_upload(call: Call[NoBody, NoQuery]) -> Reply:
    """Abort an upload and release what it reserved."""
    await call.ask(AbortUpload(call.caller, call.path["uploadId"]))
    return Reply(204)


@routes.route(
    "POST",
    "/v1/files/aborts",
    {200: Outcomes[wire.UploadEnded]},
    scope=Scope.WRITE,
    audience=Audience.GUESTS,
    body=wire.AbortUploads,
    items=lambda body: len(body.items),
)
async def abort_uploads(call: Call[wire.AbortUploads, NoQuery]) -> Reply:
    """Abort up to 1000 uploads in one transaction; each ends or is refused by itself.

    One that was aborted before, or has expired, says so with 200; one that was committed stays so.
    """
    ids = tuple(UploadId(item.upload_id) for item in call.body.items)
    ended = await call.ask(AbortUploads(call.caller, ids))
    return Reply(200, call.outcomes(ended, shapes.ended))


@routes.route(
    "POST",
    "/v1/files/uploads/{uploadId}/parts",
    {200: wire.Transfers},
    scope=Scope.WRITE,
    audience=Audience.GUESTS,
    body=wire.SignParts,
    items=lambda body: 1 + (len(body.part_numbers) + len(body.parts)) // _PARTS_OF_A_UNIT,
)
async def sign_parts(call: Call[wire.SignParts, NoQuery]) -> Reply:
    """Sign some parts of a multipart upload, just in time."""
    body = call.body
    if bool(body.part_numbers) == bool(body.parts):
        raise invalid("partNumbers", "give either partNumbers or parts, and at least one")
    wanted = tuple(PartToSign(number) for number in body.part_numbers)
    wanted += tuple(PartToSign(part.part_number, part.hash) for part in body.parts)
    return await _signed(call, wanted)


@routes.route(
    "POST",
    "/v1/files/uploads/{uploadId}/url",
    {200: wire.Transfers},
    scope=Scope.WRITE,
    audience=Audience.GUESTS,
)
async def sign_url(call: Call[NoBody, NoQuery]) -> Reply:
    """Sign the PUT of a single upload again."""
    return await _signed(call, ())


async def _signed(call: Call[object, object], parts: tuple[PartToSign, ...]) -> Reply:
    steps = await call.ask(SignUploadParts(call.caller, call.path["uploadId"], parts))
    return Reply(200, wire.Transfers(transfers=tuple(shapes.transfer(step) for step in steps)))


def _draft(body: wire.InitUpload) -> UploadDraft:
    return UploadDraft(
        size=body.size,
        hash=body.hash,
        if_exists=IfExists(body.if_exists),
        base_version=body.base_version,
        content_type=body.content_type,
        content_modified_at=body.content_modified_at,
        sender=Sender(body.sender.visit, body.sender.name) if body.sender else None,
        **shapes.place(body),
    )


def _claim(upload_id: object, body: wire.CommitUpload | wire.CommitItem) -> UploadCommit:
    parts = tuple(CommittedPart(part.part_number, part.etag, part.hash) for part in body.parts)
    if_exists = None if body.if_exists is None else IfExists(body.if_exists)
    return UploadCommit(UploadId(upload_id), body.hash, body.etag, parts, if_exists)  # type: ignore[arg-type]


def _init_outcome(
    call: Call[object, object], one: UploadOpened | UploadUnneeded | Refusal
) -> Outcome[wire.InitOutcome]:
    if isinstance(one, Refusal):
        return call.outcome(201, one)
    if isinstance(one, UploadUnneeded):
        done = shapes.written(one.written)
        result = wire.InitOutcome(node=done.node, version=done.version, event_id=done.event_id)
        return call.outcome(200, result)
    new = shapes.opened(one)
    result = wire.InitOutcome(
        upload_id=new.upload_id,
        plan=new.plan,
        transfers=new.transfers,
        expires_at=new.expires_at,
        url=new.url,
    )
    return call.outcome(201, result)
