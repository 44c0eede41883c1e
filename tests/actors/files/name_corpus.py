"""Names that have made trouble somewhere, each with its verdict (X50 of reliability §3d)."""

REFUSED: dict[str, str] = {
    # empty, and what a path means by them
    "": "empty", ".": "empty", "..": "empty",
    # separators of some system
    "/": "/ or", "a/b": "/ or", "/a": "/ or", "a/": "/ or", "..\\..\\etc": "/ or", "\\": "/ or",
    "C:\\x": "/ or", "a\\": "/ or",
    # control characters: C0, DEL, C1
    "\0": "control", "a\0": "control", "a\0.txt": "control", "\x01": "control", "a\tb": "control",
    "a\nb": "control", "a\r\nSet-Cookie: x": "control", "\x1b[31mred": "control",
    "\x1f": "control",
    "\x7f": "control", "a\x80": "control", "a\x85b": "control", "\x9b31m": "control",
    # halves of a pair, alone or the wrong way round
    "\ud800": "surrogates", "a\udfff": "surrogates", "\udc00\ud800": "surrogates",
    "\ud83d.txt": "surrogates",
    # overrides: a name is not to be read other than it is
    "cod\u202egpj.exe": "bidirectional", "\u202aa": "bidirectional", "\u202ba": "bidirectional",
    "a\u202c": "bidirectional", "\u202da": "bidirectional", "\u2066a": "bidirectional",
    "\u2067a": "bidirectional", "\u2068a": "bidirectional", "a\u2069": "bidirectional",
    # unassigned and noncharacters: a newer Unicode could give them a case
    "\u0378": "assigned", "a\u05ff": "assigned", "\ufdd0": "assigned", "\ufffe": "assigned",
    "\uffff": "assigned", "\U0001ffff": "assigned", "\U000e0000": "assigned",
    "\U0010ffff": "assigned", "\u2fe0": "assigned",
    # too long, in bytes of NFC
    "x" * 256: "255", "\u00e9" * 128: "255", "\u4e00" * 86: "255", "\U0001f600" * 64: "255",
    "e\u0301" * 128: "255", "x" * 252 + ".txt": "255", "x" * 100_000: "255",
}  # fmt: skip
"""Name, and a word of the rule that it breaks."""

UNPORTABLE = (
    # devices, whatever the case and the extension
    "CON", "con", "Con.txt", "PRN", "AUX", "aux.txt", "aux.tar.gz", "NUL", "nul.", "COM1",
    "com9.log",
    "COM0", "LPT1", "lpt9.txt", "COM\u00b9", "LPT\u00b3.x", "CONIN$", "conout$", "con .txt",
    "nul .",
    # characters
    "a:b", "C:", "file.txt:stream", "*", "a*b", "?", "why?", '"quoted"', "<tag>", "a>b", "a|b",
    ":",
    # ends
    "a.", "a ", "a..", "a. ", " ", "  ", "...", ".. ", ". .", "\u00e9.",
)  # fmt: skip
"""Kept, and marked."""

ACCEPTED = (
    # plain, and not so plain
    "a", "a.txt", "a.tar.gz", ".hidden", "..a", "a..b", "-rf", "--help", "~", "~a", "$HOME",
    "`ls`",
    "a;b", "a&b", "a'b", "a=b", "a%2fb", "%00", "%", "#", "@", "!", "(1)", "[x]", "{x}", "+", ",",
    "^", " a", "a b", "a  b", "\u3000", "\u00a0", "\u2003", "0", "1e5", "null", "true", "NaN",
    "__proto__", "constructor", "index.html", "desktop.ini", "Thumbs.db", "CON1", "COM10",
    "console", "NULL", "auxiliary.txt", "xcon", "con-", "lpt", "robots.txt", "\uff1c",
    # no separators, though they look like it
    "\u2215", "\uff0f", "\uff3c", "\u29f5", "\u2024", "\u2025", "\uff0e\uff0e",
    # invisible, and needed in some script or emoji
    "a\u200bb", "\u200b", "\u200c", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\ufeffa",
    "\ufeff",
    "a\u00adb", "\u2060", "a\u200e", "\u200fa", "\u061c", "\u2028", "a\u2029b", "\ufe0f",
    "\u180e", "\U000e0001", "\u034f",
    # scripts
    "\u00e9", "e\u0301", "\u0130", "\u0131", "\u00df", "\u1e9e", "\ufb01", "\u017f",
    "\u03a3\u03c3\u03c2",
    "\u05d0\u05d1", "\u0639\u0631\u0628\u064a", "\u4e2d\u6587", "\u65e5\u672c\u8a9e",
    "\ud55c\uae00",
    "\u1112\u1161\u11ab", "\u0e44\u0e17\u0e22", "\u0928\u092e\u0938\u094d\u0924\u0947",
    "\U0001f600",
    "\U0001f1e9\U0001f1ea", "\U00020000", "\u0430", "\u212b", "\u2126", "\u00c5", "\u01c5",
    "\u0345",
    "\u0301", "a" + "\u0301" * 100, "\ue000", "\U000f0000", "\ufffd", "\ufffc", "\uff21",
    # as long as can be, in bytes of NFC
    "x" * 255, "x" * 251 + ".txt", "\u00e9" * 127, "e\u0301" * 127, "\u4e00" * 85,
    "\U0001f600" * 63, "\u01d5" * 127, "U\u0308\u0304" * 127,
)  # fmt: skip
"""Kept."""

TWINS = (
    ("\u00e9", "e\u0301", "\u00c9", "E\u0301"),
    ("a.txt", "A.TXT", "A.txt", "a.TXT"),
    ("stra\u00dfe", "STRASSE", "strasse", "STRA\u1e9eE"),
    ("\u0130", "i\u0307", "I\u0307"),
    ("\ufb01le", "file", "FILE"),
    ("\u017fs", "SS", "ss", "\u00df"),
    ("\u03a3", "\u03c3", "\u03c2"),
    ("\u212b", "\u00c5", "\u00e5", "A\u030a"),
    ("\u2126", "\u03a9", "\u03c9"),
    ("\u212a", "K", "k"),
    ("\u01c4", "\u01c5", "\u01c6"),
    ("\ud55c", "\u1112\u1161\u11ab"),
    ("a\u0323\u0307", "a\u0307\u0323", "\u1ea1\u0307", "\u0227\u0323"),
    ("\u1f80", "\u1f88", "\u1f00\u03b9"),
    ("\u0390", "\u1fd3", "\u03b9\u0308\u0301"),
    ("\u10d0", "\u1c90"),
    ("\u13a0", "\uab70"),
)
"""Names that are one: only one of each line fits in a folder."""

STRANGERS = (
    ("a", "a ", "a.", " a", "\u0430", "\uff41", "a\u200b", "a\ufeff", "a\u0301", "a\u00ad"),
    ("i", "\u0131", "\u0130"),
    ("ae", "\u00e6"),
    ("o", "\u00f8", "0"),
    ("a b", "a\u00a0b", "a  b", "a_b"),
    ("1", "\u00b9", "\u2460", "\u0661"),
    ("\u30ab", "\u304b", "\uff76"),
    ("-", "\u2010", "\u2013", "\u2212"),
)
"""Names that look alike, and are not."""
