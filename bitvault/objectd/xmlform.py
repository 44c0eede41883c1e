"""XML in and out: S3's documents, built from pairs and read without trusting the sender.

Reading refuses a document type, so no entity can be declared, and bounds depth.
"""

from collections.abc import Iterable
from xml.parsers import expat
from xml.sax.saxutils import escape

from bitvault.objectd.errors import S3Error

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_MAX_DEPTH = 4
_CONTROLS = {chr(code): f"&#{code};" for code in (*range(9), *range(10, 32), 9, 13)}


def element(name: str, value: object) -> str:
    """One element: text is escaped, a list of pairs becomes children."""
    if isinstance(value, list):
        inner = "".join(element(child, each) for child, each in value)
    else:
        inner = escape(str(value), _CONTROLS)
    return f"<{name}>{inner}</{name}>"


def document(root: str, pairs: Iterable[tuple[str, object]], *, plain: bool = False) -> bytes:
    """A whole document in S3's namespace (errors have none)."""
    inner = "".join(element(name, value) for name, value in pairs)
    namespace = "" if plain else f' xmlns="{NAMESPACE}"'
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}{namespace}>{inner}</{root}>'
    return text.encode("utf-8", "replace")


def read_records(data: bytes, root: str, record: str) -> list[dict[str, str]]:
    """The flat `record` children of `root`, each as its children's text by name.

    Raises:
        S3Error: MalformedXML for anything else, a document type included.
    """
    reader = _RecordReader(root, record)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.EntityDeclHandler = reader.refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError:
        raise S3Error("MalformedXML") from None
    return reader.records


class _RecordReader:
    def __init__(self, root: str, record: str) -> None:
        self.records: list[dict[str, str]] = []
        self._root, self._record = root, record
        self._stack: list[str] = []

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        depth = len(self._stack)
        wanted = (self._root, self._record)[depth] if depth < 2 else local  # noqa: PLR2004 - root and record are fixed
        if local != wanted or depth >= _MAX_DEPTH - 1:
            raise S3Error("MalformedXML")
        self._stack.append(local)
        if depth == 1:
            self.records.append({})
        elif depth:
            if local in self.records[-1]:
                raise S3Error("MalformedXML")
            self.records[-1][local] = ""

    def end(self, _name: str) -> None:
        self._stack.pop()

    def text(self, data: str) -> None:
        if len(self._stack) == _MAX_DEPTH - 1:
            self.records[-1][self._stack[-1]] += data
        elif data.strip():
            raise S3Error("MalformedXML")

    def refuse(self, *_declaration: object) -> None:
        raise S3Error("MalformedXML")
