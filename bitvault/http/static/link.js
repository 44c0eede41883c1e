"use strict";
const at = (id) => document.getElementById(id);
const token = location.hash.slice(1);
let password = "";
let way = [];
let cursor = null;

function element(tag, kind, text, ...below) {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  if (text !== undefined && text !== null) made.textContent = text;
  made.append(...below);
  return made;
}

function button(kind, text, act) {
  const made = element("button", kind, text);
  made.type = "button";
  made.addEventListener("click", () => act(made));
  return made;
}

function bytes(count) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let step = 0;
  for (; count >= 1024 && step < units.length - 1; step += 1) count /= 1024;
  return (step ? count.toFixed(1) : count) + " " + units[step];
}

function moment(text) {
  return new Date(text).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

function credential() {
  if (!password) return "Bearer " + token;
  const raw = new TextEncoder().encode(token + ":" + password);
  return "Basic " + btoa(String.fromCharCode(...raw));
}

async function ask(path) {
  const answer = await fetch(path, { headers: { Authorization: credential(), Accept: "application/json" } });
  const body = await answer.json();
  if (!answer.ok) throw body;
  return body;
}

function tell(problem) {
  const said = problem.detail || "The server cannot be reached; try again.";
  at("notices").replaceChildren(element("p", "notice bad", said));
}

function quiet() {
  at("notices").replaceChildren();
}

async function download(node, pressed) {
  pressed.disabled = true;
  try {
    quiet();
    location.assign((await ask("/v1/files/" + node.id + "/content")).url);
  } catch (problem) {
    tell(problem);
  } finally {
    pressed.disabled = false;
  }
}

function line(node) {
  const size = element("span", "soft", node.kind === "file" ? bytes(node.size) : "");
  const when = element("span", "soft", moment(node.contentModifiedAt || node.modifiedAt));
  const name = node.kind === "folder"
    ? button("link name", node.name + "/", () => enter(node))
    : element("span", "name", node.name);
  const act = node.kind === "file" ? button("", "Download", (pressed) => download(node, pressed)) : element("span");
  return element("div", "row shared child", null, name, size, when, act);
}

function showWay() {
  const steps = way.map((node, index) => {
    const step = button("link", node.name, () => { way = way.slice(0, index); enter(node); });
    if (index === way.length - 1) step.setAttribute("aria-current", "page");
    return step;
  });
  at("way").replaceChildren(...(way.length > 1 ? steps.flatMap((step) => [step, " / "]).slice(0, -1) : []));
}

async function page(node) {
  const after = cursor ? "&cursor=" + encodeURIComponent(cursor) : "";
  const found = await ask("/v1/folders/" + node.id + "/children?limit=200" + after);
  cursor = found.nextCursor;
  at("list").append(...found.items.map(line));
  at("more").hidden = !cursor;
}

async function enter(node) {
  try {
    quiet();
    cursor = null;
    way.push(node);
    at("list").replaceChildren();
    showWay();
    if (node.kind === "folder") await page(node);
    else at("list").append(line(node));
    if (!at("list").childElementCount) at("list").append(element("p", "empty soft", "Nothing is in it."));
    at("list").hidden = false;
  } catch (problem) {
    tell(problem);
  }
}

function terms(link) {
  const said = [];
  if (link.expiresAt) said.push("until " + moment(link.expiresAt));
  if (link.downloadsLeft !== null) said.push(link.downloadsLeft + " downloads left");
  return said.join(" · ");
}

async function begin() {
  try {
    const link = await ask("/v1/link");
    quiet();
    at("unlock").hidden = true;
    document.title = at("title").textContent = link.label || (link.node ? link.node.name : "Send files");
    if (link.request) { showRequest(link); return; }
    at("terms").textContent = terms(link);
    way = [];
    await enter(link.node);
  } catch (problem) {
    if (problem.code !== "link_password_needed") { tell(problem); return; }
    at("unlock").hidden = false;
    if (password) tell({ detail: "The password is wrong." });
    at("password").focus();
  }
}

at("unlock").addEventListener("submit", (event) => {
  event.preventDefault();
  password = at("password").value;
  begin();
});
at("more").querySelector("button").addEventListener("click", async (event) => {
  event.target.disabled = true;
  await page(way[way.length - 1]).catch(tell);
  event.target.disabled = false;
});
addEventListener("hashchange", () => location.reload());
addEventListener("DOMContentLoaded", begin);
