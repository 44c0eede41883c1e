"""Requests that others may send to the store."""

from attrs import define

from bitvault.actors.storage import contract as c
from bitvault.actors.storage import rules
from bitvault.actors.storage.actor.options import StorageOptions
from bitvault.actors.storage.store import Entry
from bitvault.drivers.objects.port import ObjectStore, Signed
from bitvault.kernel.refusal import Invalid, Refused


@define(eq=False)
class Signer:
    """Signs them, for as long as the options say."""

    objects: ObjectStore
    options: StorageOptions

    def sign_part(self, entry: Entry, multipart_id: str, part: c.PartDraft) -> c.Transfer:
        """Sign one part of a multipart upload."""
        digest = _part_digest(part)
        size = rules.size_of_part(entry.plan, entry.size, part.part_number)
        ttl = self.options.part_ttl
        number = part.part_number
        signed = self.objects.sign_part(entry.key, multipart_id, number, size, digest, ttl)
        return _transfer(signed, number)

    def sign_get(self, draft: c.DownloadDraft) -> c.Transfer:
        """Sign a download."""
        kind, disposition = rules.present(draft.file_name, draft.content_type, inline=draft.inline)
        ttl = self.options.get_ttl
        return _transfer(self.objects.sign_get(draft.key, ttl, kind, disposition))

    def sign_put(self, entry: Entry) -> c.Transfer:
        """Sign the one PUT of an object."""
        wanted = rules.parse_hash(entry.hash or "")
        digest = wanted.digest if wanted else None
        ttl = self.options.put_ttl
        return _transfer(self.objects.sign_put(entry.key, entry.size, digest, ttl))


def _part_digest(part: c.PartDraft) -> bytes | None:
    if part.hash is None:
        return None
    found = rules.parse_hash(part.hash)
    if found is None or found.parts:
        raise Refused(Invalid("hash", "of a part must be sha256:<64 lower-case hex digits>"))
    return found.digest


def _transfer(signed: Signed, part_number: int | None = None) -> c.Transfer:
    return c.Transfer(signed.method, signed.url, signed.headers, signed.expires_at, part_number)
