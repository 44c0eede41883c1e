"""Which certificates are trusted, for the server and for the object store alike.

Those of the system; or instead those of ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``, as OpenSSL knows
them; and besides those of a file, for an authority of one's own.
"""

import os
import ssl
from pathlib import Path

import httpx

CA_FILE = "BITVAULT_CA_FILE"
"""The environment variable that names such a file."""


class BadCertificateFile(OSError):  # noqa: N818 - says what stood in the way
    """A file of certificates that cannot be read, or has none."""


def trusting(ca_file: str | Path | None = None) -> ssl.SSLContext:
    """Return what verifies certificates; ``ca_file`` is PEM.

    Raises:
        BadCertificateFile: there is no such file, or no certificate in it.
    """
    context = ssl.create_default_context()
    has_folder = any(Path(ssl.get_default_verify_paths().capath or "/nowhere").glob("*.0"))
    has_some = has_folder or context.cert_store_stats()["x509_ca"]
    if not has_some and not os.environ.get("SSL_CERT_FILE"):
        context = httpx.create_ssl_context()  # a container without any has those of the library
    if ca_file is not None:
        _add(context, str(ca_file))
    return context


def _add(context: ssl.SSLContext, path: str) -> None:
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as error:
        raise BadCertificateFile(None, "there is no certificate in it (PEM)", path) from error
    except OSError as error:
        raise BadCertificateFile(error.errno, error.strerror, path) from error
