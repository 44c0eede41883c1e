"""Files, for those who run it."""

from datetime import timedelta

from bitvault.actors.files.actor import Files, FilesOptions
from bitvault.actors.files.contract import (
    CollectBlobs,
    ContinuePurges,
    ExpireUploads,
    ForgetFinished,
)
from bitvault.kernel.erasure import Phase
from bitvault.kernel.export import ExportKind
from bitvault.kernel.settings import Settings
from bitvault.manifest import Context, JobSpec, Manifest


def _options(settings: Settings) -> FilesOptions:
    transfers, quota, garbage = settings.transfers, settings.quota, settings.garbage
    return FilesOptions(
        upload_ttl=timedelta(seconds=transfers.upload_ttl),
        guest_ttl=timedelta(seconds=3600.0 + max(transfers.put_ttl, transfers.part_ttl)),
        default_space_quota=quota.personal_space or None,
        tenant_quota=quota.tenant or None,
        grace=timedelta(seconds=garbage.grace),
        keep_results=timedelta(seconds=garbage.keep_results),
    )


def _make(here: Context[FilesOptions]) -> Files:
    wiring, restrict = here.wiring, here.provided("restrict")
    return Files(
        wiring.database,
        wiring.outbox,
        here.ref("storage"),
        wiring.clock,
        wiring.ids,
        here.options,
        restrict,
    )


FILES = Manifest(
    package=__package__,
    actor=Files,
    make=_make,
    options=_options,
    jobs=(
        JobSpec(
            "expire-uploads",
            "ends uploads that nobody finished in time",
            ExpireUploads(100),
            "uploads_expired",
        ),
        JobSpec(
            "purge",
            "removes what lies below purged folders",
            ContinuePurges(1000),
            "rows_purged",
        ),
        JobSpec(
            "collect",
            "collects content that no version has any more",
            CollectBlobs(500),
            "blobs_collected",
        ),
        JobSpec(
            "forget-answers",
            "forgets answers and keys that were kept for repeated requests",
            ForgetFinished(1000),
            "answers_forgotten",
        ),
    ),
    erasure=Phase.WRITERS,
    exports=(
        ExportKind("space"),
        ExportKind("space_member", (str, str)),
        ExportKind("node"),
        ExportKind("version", (str, int)),
        ExportKind("trash_entry"),
    ),
)
