"""Handing out content: no URL leaves before the trail knows of it (ADR-0031)."""

from bitvault.actors.audit.contract import Download, RecordDownloads
from bitvault.actors.files.contract import Content, ContentDraft, GetContents
from bitvault.edge.services import Services
from bitvault.kernel.principal import Caller
from bitvault.kernel.refusal import Refusal


async def hand_out(
    services: Services, caller: Caller, drafts: tuple[ContentDraft, ...]
) -> tuple[Content | Refusal, ...]:
    """Get where contents are, and record the downloads; a guest's are counted for the link.

    Raises:
        Refused: what either service says of all of them.
    """
    found = await services.ask(GetContents(caller, drafts))
    given = [one for one in found if isinstance(one, Content)]
    if given:
        what = (Download(one.node.node_id, one.version, one.size, one.node.name) for one in given)
        await services.ask(RecordDownloads(caller, tuple(what)))
    return found
