"use strict";
const at = (id) => document.getElementById(id);

function row(cells, state) {
  const line = document.createElement("tr");
  cells.forEach((text, index) => {
    const cell = document.createElement("td");
    cell.textContent = text;
    if (state && index === 1) cell.className = state;
    line.append(cell);
  });
  return line;
}

function rows(child, depth) {
  const name = "\u00a0".repeat(depth * 4) + child.id;
  const mailbox = child.mailboxDepth === null ? "" : String(child.mailboxDepth);
  const own = row([name, child.state, String(child.restarts), mailbox, child.lastError || ""], child.state);
  return [own].concat(child.children.flatMap((below) => rows(below, depth + 1)));
}

function show(status) {
  at("version").textContent = status.version;
  at("ready").textContent = status.ready ? "ready" : "not ready";
  at("ready").className = status.ready ? "running" : "starting";
  at("problem").textContent = "";
  at("tree").replaceChildren(...rows(status.tree, 0));
  at("consumers").replaceChildren(...status.consumers.map((c) => row([c.name, String(c.lag)])));
}

async function poll() {
  try {
    const answer = await fetch("/v1/status", { cache: "no-store" });
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.detail);
    show(body);
  } catch (error) {
    at("problem").textContent = error.message + " (the page works on the server's own machine)";
  }
  setTimeout(poll, 2000);
}

poll();
