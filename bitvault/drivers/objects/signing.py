"""What BitVault signs: the headers and parameters of each kind of transfer, for every driver."""

from base64 import b64encode
from datetime import timedelta

from attrs import frozen

from bitvault.drivers.objects.port import Capabilities, Signed
from bitvault.drivers.objects.sigv4 import MAX_SECONDS, Presigner
from bitvault.kernel.clock import Clock

PROVEN = Capabilities(*(True,) * 6)
"""A store that keeps every promise; also what is signed for while the probe finds out."""

_SKEW = timedelta(seconds=60)


@frozen
class TransferSigner:
    """Signs uploads with one key and downloads with another; neither is the server's own.

    A signature is dated a minute back, since a store whose clock lags refuses one of the future.
    """

    writer: Presigner
    reader: Presigner
    clock: Clock

    def put(
        self, key: str, size: int, sha256: bytes | None, ttl: float, can: Capabilities
    ) -> Signed:
        """Sign one PUT; what the store was caught ignoring is left out."""
        headers = _content(size, sha256, checksum=can.signed_checksum)
        if can.write_once:
            headers["if-none-match"] = "*"
        return self._sign(self.writer, "PUT", key, ttl, headers=headers)

    def part(
        self,
        key: str,
        multipart_id: str,
        number: int,
        size: int,
        sha256: bytes | None,
        ttl: float,
        can: Capabilities,
    ) -> Signed:
        """Sign one UploadPart, good for that part of that upload alone."""
        headers = _content(size, sha256, checksum=can.part_checksum)
        query = [("partNumber", str(number)), ("uploadId", multipart_id)]
        return self._sign(self.writer, "PUT", key, ttl, query=query, headers=headers)

    def get(self, key: str, ttl: float, content_type: str, disposition: str) -> Signed:
        """Sign a GET; only ``host`` is a signed header, so that one URL serves every range."""
        query = [
            ("response-content-disposition", disposition),
            ("response-content-type", content_type),
        ]
        return self._sign(self.reader, "GET", key, ttl, query=query)

    def _sign(
        self,
        presigner: Presigner,
        method: str,
        key: str,
        ttl: float,
        *,
        query: list[tuple[str, str]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Signed:
        life = min(ttl + _SKEW.total_seconds(), MAX_SECONDS)
        now = self.clock.now() - _SKEW
        return presigner.sign(method, key, now=now, ttl=life, query=query or (), headers=headers)


def _content(size: int, sha256: bytes | None, *, checksum: bool) -> dict[str, str]:
    headers = {"content-length": str(size)}
    if sha256 is not None and checksum:
        headers["x-amz-checksum-sha256"] = b64encode(sha256).decode()
    return headers
