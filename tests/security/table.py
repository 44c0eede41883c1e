"""What is required of the security of BitVault, and where it comes from.

X-numbers are the project's own list of attacks that have to fail; B-numbers group them by chapter
of the OWASP Application Security Verification Standard 5.0, level 2. Which tests prove a number,
the tests say themselves: ``@pytest.mark.requirement("X17")``.
"""

from collections.abc import Mapping, Sequence

from attrs import frozen


@frozen
class Requirement:
    """One line of the page; ``reason`` says why no test is expected yet, or what is different."""

    text: str
    later: str = ""
    remark: str = ""


SECTIONS: Mapping[str, tuple[int, int]] = {
    "A. Authentication, sessions, tokens": (1, 16),
    "B. Authorization and isolation of tenants": (17, 31),
    "C. Links": (32, 37),
    "D. Uploads, downloads, storage": (38, 49),
    "E. Names": (50, 50),
    "F. Outgoing connections": (51, 56),
    "G. Abuse and platform": (57, 68),
}

SEARCH = "search"
SYNC = "sync"
WEBHOOKS = "webhooks"
PREVIEWS = "previews and archives"

R = Requirement
REQUIREMENTS: Mapping[str, Requirement] = {
    "X1": R("OIDC: forged or reused state, nonce, PKCE verifier, plain method, code"),
    "X2": R("ID token: alg none, HS256 with the public key, iss, aud, azp, times, kid"),
    "X3": R("jku, x5u and jwk headers are ignored"),
    "X4": R("Discovery: another issuer than configured; through the guard of X51"),
    "X5": R("Two providers with the same sub or e-mail are two users"),
    "X6": R("Mix-up: iss of the authorization response is checked"),
    "X7": R("Rotation of refresh tokens with detection of reuse"),
    "X8": R("Logout, a changed password, a disabled user: all sessions dead within a second"),
    "X9": R(
        "Guesses at passwords are limited whatever is down",
        remark="the state is in this process; a Redis that is down comes with Redis",
    ),
    "X10": R(
        "Session fixation, a session in the URL, cookie flags",
        remark="the one cookie binds a sign-in to its browser",
    ),
    "X11": R("CSRF on every route that changes something"),
    "X12": R(
        "API tokens: shown once, hashed, checksummed, scope and end enforced, no query string"
    ),
    "X13": R("Passwords: argon2id, few at once, the same work for unknown users, rehash, Unicode"),
    "X14": R("Tokens of resets and invitations: once, 30 minutes, hashed, not in a Referer"),
    "X15": R("Wrong passwords cannot lock somebody else out"),
    "X16": R("No open redirect"),
    "X17": R("Every route, every id, everybody who must not: as if there were nothing"),
    "X18": R("Mass assignment: a field that is not in the shape is refused"),
    "X19": R("Escalation: user to admin, admin to operator"),
    "X20": R("Row-level security: enabled, forced and checked on every table; the roles have none"),
    "X21": R("A pooled session tells nothing of who had it before"),
    "X22": R("Keys begin with the tenant: no refusal tells of another's rows"),
    "X23": R("What is cached of an authorization ends with it"),
    "X24": R("Search: counts, suggestions, highlights, lag", SEARCH),
    "X25": R(
        "Sync: access that was lost, cursors of others",
        SYNC,
        remark="cursors of today's lists hold no rights: what they lead to is checked as any page",
    ),
    "X26": R(
        "Versions, trash, copies and links obey the same check as the file",
        remark=f"thumbnails come with {PREVIEWS}",
    ),
    "X27": R("Nobody shares more than they have; a drop box lists nothing"),
    "X28": R("Links of who is gone lead nowhere"),
    "X29": R("Deleting something ends no share of what has a similar path"),
    "X30": R("Only who may share deletes a share"),
    "X31": R("No link is hidden from the owner"),
    "X32": R("Tokens of links: 192 bits, hashed; invalid, expired and revoked are alike"),
    "X33": R("Passwords of links: argon2id, limited by link and address"),
    "X34": R(
        "A password that fitted is forgotten when it changes",
        remark="nothing is stored for a visit, so there is no cookie (ADR-0019)",
    ),
    "X35": R("50 at once at a link with one download: one; with seven places for files: seven"),
    "X36": R("Expiry of a link", remark="by the daemon's clock, the one there is"),
    "X37": R("no-referrer, noindex, and no token in a log"),
    "X38": R("An old URL cannot change what was committed"),
    "X39": R("Another size than announced is refused by the store"),
    "X40": R("Another hash; a hash is no key to somebody else's bytes"),
    "X41": R("Names never enter keys of the store"),
    "X42": R("A signed URL for another key, method, time or override is refused"),
    "X43": R("What users upload cannot run in a browser"),
    "X44": R("Names cannot inject a header"),
    "X45": R("A store that breaks its promises is found at the start"),
    "X46": R("Without a signing key every URL is refused"),
    "X47": R("The store tells strangers nothing"),
    "X48": R("Parallel commits do not exceed a quota"),
    "X49": R("Archives: names, sizes, ratios", PREVIEWS),
    "X50": R("Names: each of the corpus has its verdict"),
    "X51": R("SSRF: private, local, mapped and odd addresses"),
    "X52": R("SSRF: the address that was checked is the one that is dialled"),
    "X53": R("Redirects are not followed"),
    "X54": R("Answers are bounded in size and time"),
    "X55": R("Webhooks: signatures, ids, rotation", WEBHOOKS),
    "X56": R("A slow receiver of one tenant does not hold up another", WEBHOOKS),
    "X57": R("Rate limits decide as a bucket does", remark="two processes: comes with Redis"),
    "X58": R("X-Forwarded-For is believed of known proxies only"),
    "X59": R("Cursors and limits; nothing costs more because a folder is large"),
    "X60": R("Patterns that never end", SEARCH),
    "X61": R("Errors show no SQL, path or trace"),
    "X62": R("Nothing a client sends can write a line of the log"),
    "X63": R("Secrets are in no log, metric, page or process list"),
    "X64": R("TLS and HSTS; loopback by default; the inside for this machine and operators"),
    "X65": R("Every dependency is pinned by hash"),
    "X66": R("No default password; the first one is shown once"),
    "X67": R("Deep JSON, many headers, slow clients, large bodies"),
    "X68": R("Requests that two servers would read differently are refused"),
}


@frozen
class Chapter:
    """A group of requirements, and the clauses of ASVS 5.0 it answers."""

    text: str
    asvs: str
    by: Sequence[str]
    remark: str = ""


def _x(first: int, last: int) -> Sequence[str]:
    return tuple(f"X{number}" for number in range(first, last + 1))


CHAPTERS: Mapping[str, Chapter] = {
    "B1": Chapter("Passwords are hashed with argon2id, few at once", "11.4.2, App. C", ("X13",)),
    "B2": Chapter(
        "8 to 1,024 characters, any Unicode, no rule of composition",
        "6.2",
        ("X13",),
        "a list of breached passwords is not asked",
    ),
    "B3": Chapter(
        "Session secrets: random, hashed, idle and absolute end", "7.2, 7.3", ("X10", "X12", "X14")
    ),
    "B4": Chapter(
        "All sessions end with the account; users see and end them", "7.4.2, 7.5.2", ("X8",)
    ),
    "B5": Chapter("Single sign-on", "10.1, 10.2, 10.5, 6.8.1", _x(1, 6)),
    "B6": Chapter("Refresh tokens", "10.4.5, 10.4.8", ("X7",)),
    "B7": Chapter("JWT: allowed algorithms, configured keys", "9.1, 9.2", ("X2", "X3")),
    "B8": Chapter("Automation is slowed down, always", "6.1.1, 6.3.1, 2.4.1", ("X9", "X15", "X33")),
    "B9": Chapter("Authorization on every object and field", "8.2.2, 8.2.3", _x(17, 19)),
    "B10": Chapter("Tenants are apart", "8.4.1", _x(20, 25)),
    "B11": Chapter("A changed authorization holds at once", "8.3.2", ("X8", "X23")),
    "B12": Chapter(
        "Check and act are one; limited things are locked", "15.4.2, 2.3.4", ("X35", "X38", "X48")
    ),
    "B13": Chapter("Sizes and quotas of files", "5.2", ("X39", "X48", "X49")),
    "B14": Chapter("Storage by internal ids, names encoded", "5.3.2, 5.4", ("X41", "X44", "X50")),
    "B15": Chapter("User content does not run", "3.2, 3.4", ("X43",)),
    "B16": Chapter(
        "Signed URLs fail closed, are short and narrow", "13.2", ("X42", "X45", "X46", "X47")
    ),
    "B17": Chapter("Outgoing requests are guarded", "1.3.6, 15.3.2", _x(51, 54)),
    "B18": Chapter("Webhooks are signed", "4.1", ("X55", "X56")),
    "B19": Chapter("Secrets: from files, never shown", "13.3, 14", ("X63",)),
    "B20": Chapter("Links: random, hashed, limited, alike", "6.5.2", _x(32, 36)),
    "B21": Chapter("CSRF, CORS, CSP, framing", "3.4, 3.5", ("X11", "X16", "X37")),
    "B22": Chapter("Errors are generic and fail closed", "16.5", ("X61",)),
    "B23": Chapter("Security events are logged and cannot be forged", "16.2 to 16.4", ("X62",)),
    "B24": Chapter("Headers of proxies", "4.1.3, 15.3.4", ("X58",)),
    "B25": Chapter("No mass assignment", "15.3.3", ("X18",)),
    "B26": Chapter("Dependencies are pinned", "15.1, 15.2", ("X65",)),
    "B27": Chapter("No default accounts; the inside is closed", "6.3.2, 13.4", ("X64", "X66")),
    "B28": Chapter("Nothing secret in URLs", "14.2.1", ("X12", "X37")),
    "B29": Chapter("Deduplication grants nothing", "8.2.2", ("X40",)),
    "B30": Chapter("TLS", "12", ("X64",)),
    "B31": Chapter(
        "Input is bounded and read one way", "2.2, 4.2, 15.2.2", ("X57", "X59", "X60", "X67", "X68")
    ),
    "B32": Chapter("What somebody shared stays theirs to end", "8.2.2", _x(26, 31)),
}
