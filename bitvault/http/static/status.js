"use strict";
const EVERY = 2000;
const RECENT = 600;
const at = (id) => document.getElementById(id);
const open = new Set();
let token = sessionStorage.getItem("token") || "";
let seen = 0;

function element(tag, kind, text, ...below) {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  if (text !== undefined && text !== null) made.textContent = text;
  made.append(...below);
  return made;
}

function cell(kind, head, text) {
  const made = element("span", kind, text);
  if (text) made.dataset.head = head;
  return made;
}

function duration(seconds) {
  if (seconds === null) return "";
  if (seconds < 60) return Math.floor(seconds) + " s";
  if (seconds < 3600) return Math.floor(seconds / 60) + " min";
  if (seconds < 86400) return Math.floor(seconds / 3600) + " h";
  return Math.floor(seconds / 86400) + " d";
}

function bytes(count) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let step = 0;
  for (; count >= 1024 && step < units.length - 1; step += 1) count /= 1024;
  return (step ? count.toFixed(1) : count) + " " + units[step];
}

function flat(counted, prefix) {
  return Object.entries(counted || {}).flatMap(([name, value]) =>
    value !== null && typeof value === "object" ? flat(value, prefix + name + ".") : [[prefix + name, String(value)]]);
}

function facts(counted) {
  const pairs = flat(counted, "").map(([name, value]) =>
    element("div", "", null, element("dt", "", name.replaceAll("_", " ")), element("dd", "", value)));
  return element("dl", "facts", null, ...pairs);
}

function mailbox(child) {
  if (child.mailboxDepth === null) return "";
  const capacity = child.statistics && child.statistics.mailbox && child.statistics.mailbox.capacity;
  return child.mailboxDepth + (capacity ? " of " + capacity : "");
}

function line(child, depth) {
  const broken = child.state !== "running";
  const mended = !broken && child.lastError && child.uptime < RECENT;
  const name = element("span", "name", child.id);
  const state = element("span", "state " + (broken ? "bad" : "good"), child.state);
  const restarts = cell("restarts" + (child.restarts ? " warn" : ""), "restarts", String(child.restarts));
  if (!child.restarts) restarts.dataset.none = "";
  const error = element("span", "error " + (broken ? "bad" : "soft"), child.lastError || "");
  const summary = element("summary", "row", null, name, state, restarts,
    cell("uptime", "up", duration(child.uptime)), cell("mailbox", "mailbox", mailbox(child)), error);
  const kind = ["child", "depth-" + depth, broken ? "broken" : "", mended ? "mended" : "", child.children.length ? "branch" : ""];
  const made = element("details", kind.filter(Boolean).join(" "), null, summary, facts(child.statistics));
  made.open = open.has(child.path);
  made.addEventListener("toggle", () => (made.open ? open.add(child.path) : open.delete(child.path)));
  return [made].concat(child.children.flatMap((below) => line(below, depth + 1)));
}

function every(child) {
  return [child].concat(child.children.flatMap(every));
}

function consumer(one) {
  const id = one.name.split("/").pop();
  return element("div", "row consumers child", null, element("span", "name", id),
    cell(one.lag ? "warn" : "", "behind", String(one.lag)),
    cell("", "oldest", one.lag ? duration(one.seconds) : "–"),
    cell(one.deadLetters ? "bad" : "", "dead letters", String(one.deadLetters)));
}

function notice(kind, text, items) {
  const list = items.map((item) => element("li", "", item));
  return element("div", "notice " + kind, text, ...(list.length ? [element("ul", "", null, ...list)] : []));
}

function trouble(child) {
  const room = child.statistics || {};
  if (room.bytes_needed) return "waits for room on the disk: " + bytes(room.bytes_free) + " free, " + bytes(room.bytes_needed) + " needed";
  return "is " + child.state + (child.lastError ? " – " + child.lastError : "");
}

function notices(status) {
  const broken = every(status.tree).filter((child) => child.state !== "running");
  const dead = status.consumers.filter((one) => one.deadLetters);
  const down = status.dependencies.filter((one) => !one.isUp);
  const found = [];
  if (down.length) {
    found.push(notice("bad", "Do not answer:", down.map((one) => one.name + (one.error ? " – " + one.error : ""))));
  }
  if (broken.length) {
    found.push(notice("bad", "Not running:", broken.map((child) => child.path + " " + trouble(child))));
  }
  if (status.disk && status.disk.isShort) {
    found.push(notice("bad", "The disk is nearly full: nothing is written until there is room.", []));
  }
  if (dead.length) {
    found.push(notice("", "Dead letters wait for a person: bitvault admin dead-letters list", dead.map((one) => one.name + ": " + one.deadLetters)));
  }
  return [found, broken.length, down];
}

function badge(kind, text) {
  at("badge").className = "badge " + kind;
  at("badge").textContent = text;
  document.title = text + " – BitVault";
}

function show(status) {
  const [found, broken, down] = notices(status);
  seen = Date.now();
  if (down.length && !broken) badge("bad", down.map((one) => one.name).join(" and ") + " not answering");
  else badge(broken ? "bad" : "good", broken ? broken + (broken === 1 ? " part is" : " parts are") + " not running" : "all parts are running");
  at("version").textContent = status.version;
  at("notices").replaceChildren(...found);
  at("tree").replaceChildren(...line(status.tree, 0));
  at("consumers").replaceChildren(...status.consumers.map(consumer));
  at("disk").textContent = status.disk
    ? bytes(status.disk.free) + " free; below " + bytes(status.disk.reserve) + " nothing is written"
    : "Nothing runs embedded, or the disk is not watched.";
  at("when").textContent = new Date().toLocaleTimeString();
  at("shown").hidden = false;
  at("login").hidden = true;
}

function fail(error, wantsToken) {
  const ago = seen ? "; what is shown is " + duration((Date.now() - seen) / 1000) + " old" : "";
  badge("bad", wantsToken ? "not shown" : "no answer");
  at("notices").replaceChildren(notice("bad", error.message + ago, []));
  at("login").hidden = !wantsToken;
}

async function look() {
  const headers = token ? { Authorization: "Bearer " + token } : {};
  const answer = await fetch("/v1/status", { cache: "no-store", headers, signal: AbortSignal.timeout(5000) });
  const body = await answer.json();
  if (answer.ok) return show(body);
  return fail(new Error(body.detail), answer.status === 401 || answer.status === 403);
}

async function poll() {
  if (!document.hidden) {
    await look().catch((error) => fail(new Error("The server does not answer (" + error.message + ")"), false));
  }
  setTimeout(poll, EVERY);
}

at("login").addEventListener("submit", (event) => {
  event.preventDefault();
  token = at("token").value.trim();
  sessionStorage.setItem("token", token);
  look().catch((error) => fail(error, true));
});
poll();
