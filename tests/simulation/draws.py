"""Drawing plans from a seed: what the clients do, how it is set up, what goes wrong, how often."""

import random
from collections.abc import Iterator, Sequence

from attrs import evolve

from tests.simulation.observations import SMALL, TAGS
from tests.simulation.plans import Fault, Item, Knobs, Op, Plan, Script
from tests.simulation.world import CRASHES, PLACES

_FILES = ("a.txt", "a.txt", "A.TXT", "b.txt")
_FOLDERS = ("/F", "/G", "/F", "/G", "/F/G", "/G/F")
_KINDS = {
    "upload": 36,
    "mkdir": 4,
    "move": 18,
    "trash": 14,
    "copy": 8,
    "revert": 5,
    "batch": 8,
    "get": 3,
    "list": 3,
    "download": 4,
    "foreign": 2,
    "reuse": 2,
}
_SAID = {
    "share": 22,
    "unshare": 12,
    "restrict": 8,
    "lift": 5,
    "link": 8,
    "cut": 7,
    "revive": 5,
    "join": 8,
    "leave": 6,
    "disable": 4,
    "enable": 5,
    "move": 6,
    "trash": 2,
    "restore": 2,
}
"""What whoever has something does with it, and with who is who."""
_LOOKED = {"look": 20, "visit": 8, "share": 3, "unshare": 2, "link": 2}
"""What the others do."""
_NODES = 7
_RIVALS = 0.3


def calm(seed: int, *, tenants: int = 2, clients: int = 2, most_ops: int = 3) -> Plan:
    """Draw what the clients do; nothing goes wrong."""
    rng = random.Random(f"story {seed}")  # noqa: S311 - the same again is the point
    scripts = [
        _script(tenant, user, _ops(rng, rng.randint(1, most_ops)))
        for tenant in range(tenants)
        for user in range(clients)
    ]
    scripts += [_opening(tenant, rng) for tenant in range(tenants)]
    scripts = _with_rivals(scripts, seed)
    eager = rng.random() < 0.25
    knobs = Knobs(
        machines=rng.choice((1, 1, 2)),
        grace=0.0 if eager else 86_400.0,
        garbage_interval=0.4 if eager else 60.0,
        retry=0.5 if eager else 300.0,
        purge_at_once=rng.choice((1000, 1)),
        weak_store=rng.random() < 0.25,
        space_quota=rng.choice((None, 100)),
        tenant_quota=rng.choice((None, 150)),
        patience=rng.choice((5.0, 5.0, 0.1)),
    )
    return Plan(seed, knobs, tuple(scripts))


def _with_rivals(scripts: Sequence[Script], seed: int) -> list[Script]:
    """Have some operations take the place of a file; what else is drawn stays as it was."""
    rng = random.Random(f"rivals {seed}")  # noqa: S311 - the same again is the point

    def drawn(op: Op) -> Op:
        steps = tuple(map(drawn, op.steps))
        is_rival = op.kind in ("move", "copy", "restore") and rng.random() < _RIVALS
        return evolve(op, steps=steps, if_exists="replace" if is_rival else op.if_exists)

    return [evolve(script, ops=tuple(map(drawn, script.ops))) for script in scripts]


def wild(seed: int) -> Plan:
    """Draw a swarm: each kind of fault is on in half of the runs, at a rate of its own."""
    rng = random.Random(f"swarm {seed}")  # noqa: S311 - the same again is the point
    plan = rng.choices((calm, race, crowd, duel, sweep), (16, 1, 1, 1, 1))[0](seed)
    return _swarm(plan, rng)


def shared(seed: int) -> Plan:
    """Draw a swarm among clients that share what they have."""
    rng = random.Random(f"shared {seed}")  # noqa: S311 - the same again is the point
    return _swarm(commons(seed), rng)


def _swarm(plan: Plan, rng: random.Random) -> Plan:
    kinds = dict.fromkeys(kind for kinds in PLACES.values() for kind in kinds)
    rates = {kind: rng.choice((0.01, 0.03, 0.1)) for kind in kinds if rng.random() < 0.5}
    for crash in CRASHES:
        if crash in rates:
            rates[crash] = rng.choice((0.005, 0.02))
    return evolve(plan, knobs=evolve(plan.knobs, rates=rates, most_crashes=rng.randint(1, 4)))


def duel(seed: int) -> Plan:
    """Draw two clients that move two folders into each other, and upload into both."""
    rng = random.Random(f"duel {seed}")  # noqa: S311 - the same again is the point
    makes = (Op("mkdir", path="Team:/F"), Op("mkdir", path="Team:/G"))
    scripts = []
    for user, (own, other) in enumerate((("F", "G"), ("G", "F"))):
        there = Op("move", path=f"Team:/{own}", to=f"Team:/{other}", after=0.5)
        back = Op("move", path=f"Team:/{other}/{own}", to="Team:/")
        trash = Op("trash", path=f"Team:/{other}")
        item = Item(f"Team:/{own}/a.txt", rng.randrange(TAGS))
        sent = Op("upload", items=(item,))
        ops = (there, *rng.sample((back, trash, sent, evolve(there, after=0.0)), 3))
        scripts.append(_script(0, user, [*makes, *ops]))
    return Plan(seed, Knobs(), tuple(scripts))


def race(seed: int) -> Plan:
    """Draw three impatient clients that write one file at the same time, again and again."""
    rng = random.Random(f"race {seed}")  # noqa: S311 - the same again is the point
    scripts = []
    for user in range(3):
        tags = rng.sample(range(TAGS), 3)
        ways = ("replace", "replace", "rename")
        files = [Item("Team:/a.txt", tag, rng.choice(ways)) for tag in tags]
        scripts.append(_script(0, user, [Op("upload", items=(item,)) for item in files]))
    return Plan(seed, Knobs(machines=2, patience=0.05), tuple(scripts))


def crowd(seed: int) -> Plan:
    """Draw three clients that send the same contents, each upload committed by two devices.

    The admin does nothing, so that the others come at the same time.
    """
    rng = random.Random(f"crowd {seed}")  # noqa: S311 - the same again is the point
    tags, scripts = rng.sample(range(SMALL), 3), [_script(0, 0, ())]
    for user in range(1, 4):
        files = [Item(f"Team:/{user}.txt", tag, "replace") for tag in tags]
        scripts.append(_script(0, user, [Op("upload", items=(one,), twice=True) for one in files]))
    return Plan(seed, Knobs(machines=2), tuple(scripts))


def sweep(seed: int) -> Plan:
    """Draw three clients that lose and use the same contents, and a collector that never waits."""
    rng = random.Random(f"sweep {seed}")  # noqa: S311 - the same again is the point
    scripts = []
    for user in range(3):
        ops: list[Op] = []
        for number in range(3):
            folder = f"Team:/{user}{number}"
            items = [Item(f"{folder}/{tag}", tag) for tag in range(2) if rng.random() < 0.7]
            if items:
                sent = Op("upload", items=tuple(items), after=rng.random() * 0.2)
                ops += [sent, Op("trash", path=folder), Op("purge")] if number < 2 else [sent]
        scripts.append(_script(0, user, ops))
    knobs = Knobs(grace=0.0, garbage_interval=0.05, retry=0.2, purge_at_once=1)
    return Plan(seed, knobs, tuple(scripts))


def commons(seed: int) -> Plan:
    """Draw an admin who shares, and two users and their guests who look; nothing goes wrong."""
    rng = random.Random(f"commons {seed}")  # noqa: S311 - the same again is the point
    scripts = [_script(0, 0, [*_begun(rng), *(_said(rng) for _ in range(9))])]
    scripts += [_script(0, user, [_looked(rng, user) for _ in range(6)]) for user in (1, 2)]
    made = tuple(Op("mkdir", path=path) for path in ("/F", "/F/G", "/H", "Team:/T"))
    tags = rng.sample(range(TAGS), 3)
    places = ("/F/a.txt", "/F/G/b.txt", "Team:/T/a.txt")
    files = tuple(Item(path, tag) for path, tag in zip(places, tags, strict=True))
    opening = [Op("batch", steps=made), Op("upload", items=files), Op("group")]
    numbered = tuple(evolve(op, number=90 + number) for number, op in enumerate(opening))
    knobs = Knobs(machines=rng.choice((1, 1, 2)), patience=rng.choice((5.0, 0.1)))
    return Plan(seed, knobs, (*scripts, Script(0, 0, numbered, opening=True)))


def quarrel(seed: int) -> Plan:
    """Draw an admin who lets somebody share a folder, and takes it back while they share it."""
    rng = random.Random(f"quarrel {seed}")  # noqa: S311 - the same again is the point
    given = ("share", "unshare") * 5
    admin = [Op(kind, 0, "0", "user1", "manager", after=_soon(rng)) for kind in given]
    user = [
        Op(rng.choice(("share", "unshare")), 0, "0", "user2", "viewer", after=_soon(rng))
        for _ in range(12)
    ]
    opening = [Op("batch", steps=(Op("mkdir", path="/F"),)), Op("group")]
    numbered = tuple(evolve(op, number=90 + number) for number, op in enumerate(opening))
    knobs = Knobs(machines=rng.choice((1, 2)))
    scripts = (_script(0, 0, admin), _script(0, 1, user), _script(0, 2, []))
    return Plan(seed, knobs, (*scripts, Script(0, 0, numbered, opening=True)))


def _soon(rng: random.Random) -> float:
    return round(rng.random() * 0.1, 3)


def _begun(rng: random.Random) -> list[Op]:
    """Draw what there is to be taken back."""
    return [_said(rng, kind) for kind in ("share", "link", "join", "share")]


def _said(rng: random.Random, kind: str = "") -> Op:
    kind = kind or rng.choices(list(_SAID), list(_SAID.values()))[0]
    after = round(rng.random() * 0.4, 3)
    if kind == "move":
        path, to = rng.choice((("/F/G", "/H"), ("/H/G", "/F"), ("/F", "Team:/T"), ("/H", "/F")))
        return Op(kind, path=path, to=to, after=after)
    if kind == "trash":
        return Op(kind, path=rng.choice(("/F/G", "/F/a.txt", "/H")), after=after)
    if kind == "restore":
        return Op(kind, after=after)
    to = _whom(rng, kind)
    roles = ("viewer", "editor", "manager")
    most = 2 if to == "everyone" or kind in ("link", "cut", "revive") else 3
    return Op(kind, 0, str(rng.randrange(_NODES)), to, rng.choice(roles[:most]), after=after)


def _whom(rng: random.Random, kind: str) -> str:
    if kind in ("join", "leave", "disable", "enable"):
        return rng.choice(("user1", "user2"))
    if kind == "share":
        return rng.choice(("user1", "user2", "staff", "everyone"))
    return ""


def _looked(rng: random.Random, user: int) -> Op:
    kind = rng.choices(list(_LOOKED), list(_LOOKED.values()))[0]
    after = round(rng.random() * 0.6, 3)
    node, other = str(rng.randrange(_NODES)), str(rng.randrange(_NODES))
    if kind == "visit":
        return Op(kind, path=node, name=other, after=after)
    to = f"user{user if kind == 'unshare' else 3 - user}"
    return Op(kind, path=node, to="" if kind == "link" else to, name="viewer", after=after)


def handful(seed: int) -> Plan:
    """Draw one client that sends three small files at once, the first with a fault in its bytes."""
    files = tuple(Item(f"/{tag}.txt", tag) for tag in range(SMALL))
    return Plan(seed, Knobs(), (_script(0, 0, [Op("upload", items=files, damaged=True)]),))


def brimful(seed: int) -> Plan:
    """Draw one client that sends more to its own space than a space may hold."""
    files = tuple(Item(f"/{tag}.txt", tag) for tag in range(SMALL, TAGS))
    return Plan(seed, Knobs(space_quota=100), (_script(0, 0, [Op("upload", items=files)]),))


def hushed(seed: int) -> Plan:
    """Draw one client that uploads and moves, and gives up when it hears nothing."""
    made = evolve(Op("mkdir", path="/F"), number=90)
    ops = [Op("upload", items=(Item("/G/a.txt", 0),)), Op("move", path="/F", to="/", name="H")]
    script = _script(0, 0, [evolve(op, gives_up=True) for op in ops])
    knobs = Knobs(rates={"commit unanswered": 0.4})
    return Plan(seed, knobs, (script, Script(0, 0, (made,), opening=True)))


def exhaustive(plan: Plan, effects: Sequence[str]) -> Iterator[Plan]:
    """Yield a plan for a crash before and after each effect of a run."""
    for point in effects:
        for how in CRASHES:
            yield evolve(plan, faults=(Fault(point, how),))


def pairs(plan: Plan, effects: Sequence[str], count: int) -> Iterator[Plan]:
    """Yield plans with two crashes each, at two random effects of a run."""
    rng = random.Random(f"pairs {plan.seed}")  # noqa: S311 - the same again is the point
    for _ in range(count):
        two = sorted(rng.sample(range(len(effects)), 2))
        faults = tuple(Fault(effects[at], rng.choice(CRASHES)) for at in two)
        yield evolve(plan, faults=faults)


def _script(tenant: int, user: int, ops: Sequence[Op]) -> Script:
    numbered = (evolve(op, number=number) for number, op in enumerate(ops))
    return Script(tenant, user, tuple(numbered))


def _opening(tenant: int, rng: random.Random) -> Script:
    """Draw what is there when the clients come: two folders and a file in each place."""
    folders = tuple(Op("mkdir", path=f"Team:{path}") for path in ("/F", "/G"))
    tags = rng.sample(range(TAGS), 3)
    places = ("Team:/a.txt", "Team:/F/a.txt", rng.choice(("/a.txt", "Team:/G/b.txt")))
    files = tuple(Item(path, tag) for path, tag in zip(places, tags, strict=True))
    ops = (Op("batch", number=90, steps=folders), Op("upload", number=91, items=files))
    return Script(tenant, 0, ops, opening=True)


def _ops(rng: random.Random, count: int) -> list[Op]:
    ops = [_op(rng) for _ in range(count)]
    return [*ops, *(_undo(rng) for op in ops if op.kind == "trash")]


def _undo(rng: random.Random) -> Op:
    kind = rng.choice(("restore", "restore", "purge"))
    to, name = rng.choice(("", "", "Team:/", "/")), rng.choice(("", "", "b.txt"))
    return Op(kind, to=to, name=name, if_exists=rng.choice(("fail", "rename")))


def _op(rng: random.Random) -> Op:
    kind = rng.choices(list(_KINDS), list(_KINDS.values()))[0]
    op = _upload(rng) if kind == "upload" else _other(rng, kind)
    return evolve(op, after=round(rng.random() * 0.2, 3), gives_up=rng.random() < 0.1)


def _upload(rng: random.Random) -> Op:
    tags = rng.sample(range(rng.choice((SMALL, TAGS))), rng.choice((1, 1, 1, 2, 3)))
    paths = dict.fromkeys(_file(rng) for _ in tags)
    items = [
        Item(
            path,
            tag,
            rng.choice(("fail", "replace", "replace", "rename")),
            rng.choice(("", "", "", "known", "stale")),
        )
        for path, tag in zip(paths, tags, strict=False)
    ]
    ends = rng.choices(("commit", "abort", "leave"), (10, 1, 2))[0]
    return Op("upload", items=tuple(items), ends=ends, damaged=rng.random() < 0.3)


def _other(rng: random.Random, kind: str) -> Op:
    place = _file(rng) if kind in ("revert", "download") or rng.random() < 0.5 else _folder(rng)
    to = rng.choice((_folder(rng), rng.choice(("Team:/", "Team:/", "/"))))
    name = rng.choice(("", "", *_FILES, "F", "G"))
    if kind == "batch":
        inner = ("mkdir", "move", "trash", "copy")
        steps = tuple(_other(rng, rng.choice(inner)) for _ in range(rng.randint(2, 3)))
        return Op(kind, steps=steps)
    if kind in ("mkdir", "list"):
        return Op(kind, path=_folder(rng))
    return Op(kind, 0, place, to, name, rng.choice(("fail", "rename")))


def _space(rng: random.Random) -> str:
    return rng.choice(("Team:", "Team:", "Team:", ""))


def _folder(rng: random.Random) -> str:
    return _space(rng) + rng.choice(_FOLDERS)


def _file(rng: random.Random) -> str:
    return _space(rng) + rng.choice(("", "", "/F", "/F", "/G", "/F/G")) + "/" + rng.choice(_FILES)
