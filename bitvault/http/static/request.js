"use strict";
// The page of a file request: what it takes goes to the store directly, in one piece or in parts.

const AT_ONCE = 3;
const TRIES = 4;
const visit = madeUp();
let asked = null;
let under = 0;
const waiting = [];

function madeUp() {
  const raw = crypto.getRandomValues(new Uint8Array(16));
  raw[6] = (raw[6] & 0x0f) | 0x40;
  raw[8] = (raw[8] & 0x3f) | 0x80;
  const hex = Array.from(raw, (one) => one.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

function hex(raw) {
  return Array.from(new Uint8Array(raw), (one) => one.toString(16).padStart(2, "0")).join("");
}

function showRequest(link) {
  asked = link.request;
  at("message").textContent = asked.message;
  at("message").hidden = !asked.message;
  at("terms").textContent = limits(link).join(" · ");
  at("request").hidden = false;
  const closed = asked.isClosed || !crypto.subtle;
  at("sender").disabled = at("files").disabled = closed;
  at("drop").hidden = closed;
  if (asked.extensions.length) at("files").accept = asked.extensions.map((one) => "." + one).join(",");
  if (asked.isClosed) tell({ detail: "This file request is closed; ask whoever sent it to you to open it again." });
  else if (!crypto.subtle) tell({ detail: "Browsers send files safely over HTTPS only; open this page by it." });
  else at("sender").focus();
}

function limits(link) {
  const said = [];
  if (link.expiresAt) said.push((asked.isClosed ? "closed since " : "open until ") + moment(link.expiresAt));
  if (asked.maxSize !== null) said.push("at most " + bytes(asked.maxSize) + " a file");
  if (asked.extensions.length) said.push("only " + asked.extensions.map((one) => "." + one).join(", "));
  return said;
}

function take(found) {
  if (!at("sender").reportValidity()) return;
  at("sender").readOnly = true;
  at("sent").hidden = false;
  for (const one of found) waiting.push({ ...one, row: upRow(one) });
  while (under < AT_ONCE && waiting.length) next();
}

async function next() {
  const one = waiting.shift();
  under += 1;
  try {
    await sendFile(one);
    say(one, "good", "Received");
    one.row.lastChild.remove();
  } catch (problem) {
    say(one, "bad", problem.detail || "Could not be sent.");
    one.row.lastChild.remove();
    if (problem.code !== "invalid") one.row.append(again(one));
  } finally {
    under -= 1;
    if (waiting.length) next();
    else if (!under) summary();
  }
}

function again(one) {
  return button("", "Try again", (pressed) => {
    pressed.replaceWith(progressOf(one));
    waiting.push(one);
    if (under < AT_ONCE) next();
  });
}

function progressOf(one) {
  const made = element("progress");
  made.max = Math.max(1, one.file.size);
  made.value = 0;
  made.setAttribute("aria-label", "Progress of " + one.path);
  return made;
}

function summary() {
  const bad = at("sent").querySelectorAll(".bad").length;
  const good = at("sent").querySelectorAll(".good").length;
  if (bad) tell({ detail: bad + " of " + (good + bad) + " could not be sent; see below." });
  else at("notices").replaceChildren(element("p", "notice fine", good === 1 ? "Thank you: the file was received." : "Thank you: all " + good + " files were received."));
}

function upRow(one) {
  const row = element("div", "row sent child", null,
    element("span", "name", one.path), element("span", "soft size", bytes(one.file.size)), element("span", "told soft", "Waiting"), progressOf(one));
  at("sent").append(row);
  return row;
}

function say(one, kind, text) {
  const told = one.row.querySelector(".told");
  told.className = "told " + kind;
  told.textContent = text;
}

async function post(path, body) {
  const headers = { Authorization: credential(), Accept: "application/json", "Content-Type": "application/json", "Idempotency-Key": madeUp() };
  for (let tries = 1; ; tries += 1) {
    const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) }).catch(() => null);
    const said = answer ? await answer.json() : {};
    if (answer && answer.ok) return said;
    const again = !answer || answer.status === 429 || answer.status === 503;
    if (!again || tries === TRIES) throw said;
    await new Promise((done) => setTimeout(done, 1000 * (Number(answer && answer.headers.get("Retry-After")) || tries)));
  }
}

// What was opened is gone on with: another upload would take another of the request's places.
async function sendFile(one) {
  say(one, "soft", "Sending");
  const isKnown = Boolean(one.opened);
  try {
    if (!isKnown) await openUpload(one);
    if (!one.claim) one.claim = await (one.opened.plan.kind === "multipart" ? inParts(one) : inOnePiece(one));
    await post("/v1/files/" + one.opened.uploadId + "/commit", one.claim);
  } catch (problem) {
    if (problem.code === "bytes_missing") Object.assign(one, { claim: null, parts: [] });
    else if (problem.code && !problem.retryable) await forget(one);
    const isOver = problem.code === "upload_closed" || problem.code === "upload_not_found";
    if (!isKnown || !isOver) throw problem;
    await sendFile(one);
  }
}

async function openUpload(one) {
  one.whole = one.file.size <= (64 << 20) ? "sha256:" + hex(await digest(one.file)) : null;
  one.parts = [];
  one.opened = await post("/v1/files", {
    path: asked.nodeId + ":/" + one.path,
    size: one.file.size,
    hash: one.whole,
    contentModifiedAt: new Date(one.file.lastModified).toISOString(),
    contentType: one.file.type || null,
    sender: { visit, name: at("sender").value.trim() },
  });
  one.transfers = one.opened.transfers;
}

async function forget(one) {
  const lost = one.opened;
  Object.assign(one, { opened: null, claim: null, parts: [] });
  if (lost) await fetch("/v1/files/uploads/" + lost.uploadId, { method: "DELETE", headers: { Authorization: credential() } }).catch(() => null);
}

async function signed(one, what, body) {
  return (await post("/v1/files/uploads/" + one.opened.uploadId + "/" + what, body)).transfers;
}

async function inOnePiece(one) {
  const [transfer] = one.transfers || (await signed(one, "url"));
  one.transfers = null;
  await sendBytes(transfer, one.file, (done) => { meter(one, done); });
  return { hash: one.whole || "sha256:" + hex(await digest(one.file)) };
}

async function inParts(one) {
  const { partSize, partCount } = one.opened.plan;
  const { parts } = one;
  one.digests = one.digests || new Uint8Array(32 * partCount);
  for (let number = parts.length + 1; number <= partCount; number += 1) {
    const start = (number - 1) * partSize;
    const piece = one.file.slice(start, Math.min(one.file.size, start + partSize));
    const raw = await digest(piece);
    one.digests.set(new Uint8Array(raw), 32 * (number - 1));
    const hash = "sha256:" + hex(raw);
    const etag = await resent(async () => {
      const [transfer] = await signed(one, "parts", { parts: [{ partNumber: number, hash }] });
      return sendBytes(transfer, piece, (done) => { meter(one, start + done); });
    });
    parts.push({ partNumber: number, etag, hash });
  }
  return { hash: "sha256-" + partCount + ":" + hex(await crypto.subtle.digest("SHA-256", one.digests)), parts };
}

async function resent(send) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await send();
    } catch (problem) {
      if (problem.code || tries === TRIES) throw problem;
    }
  }
}

async function digest(blob) {
  return crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
}

function meter(one, done) {
  one.row.querySelector("progress").value = done;
}

function sendBytes(transfer, blob, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(transfer.method, transfer.url);
    for (const [name, value] of Object.entries(transfer.headers)) {
      if (!/^(content-length|host)$/i.test(name)) request.setRequestHeader(name, value);
    }
    request.upload.addEventListener("progress", (event) => progress(event.loaded));
    request.addEventListener("load", () => (request.status < 300 ? resolve(request.getResponseHeader("ETag")) : reject({ detail: "The store refused the bytes; try again." })));
    request.addEventListener("error", () => reject({ detail: "The store cannot be reached; try again." }));
    request.send(blob);
  });
}

// Folders that are dropped are walked; what is chosen with the button has no folders.
async function walked(entry, above) {
  if (entry.isFile) {
    const file = await new Promise((done, fail) => entry.file(done, fail));
    return [{ file, path: above + file.name }];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!some.length) break;
    for (const one of some) found.push(...(await walked(one, above + entry.name + "/")));
  }
  return found;
}

at("files").addEventListener("change", (event) => {
  take(Array.from(event.target.files, (file) => ({ file, path: file.name })));
  event.target.value = "";
});
at("drop").addEventListener("click", () => { if (at("sender").reportValidity()) at("files").click(); });
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  addEventListener(kind, (event) => {
    if (!asked || asked.isClosed) return;
    event.preventDefault();
    at("drop").classList.toggle("over", kind === "dragenter" || kind === "dragover");
  });
}
addEventListener("drop", async (event) => {
  if (!asked || asked.isClosed || !crypto.subtle) return;
  // Asked for before the first wait: then the browser takes back what was dropped.
  const dropped = Array.from(event.dataTransfer.items, (one) => [one.webkitGetAsEntry(), one.getAsFile()]);
  const found = await Promise.all(dropped.map(([entry, file]) => (entry ? walked(entry, "") : file ? [{ file, path: file.name }] : [])));
  take(found.flat());
});
addEventListener("beforeunload", (event) => { if (under) event.preventDefault(); });
