"use strict";
// What the pages have in common that send a form to the API and tell what it says.
const at = (id) => document.getElementById(id);

async function send(method, path, body, session) {
  const headers = { Accept: "application/json" };
  if (session) headers.Authorization = "Bearer " + session;
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  const read = text ? JSON.parse(text) : {};
  if (!answer.ok) throw read;
  return read;
}

function say(text, kind) {
  const line = document.createElement("p");
  line.className = "notice " + kind;
  line.textContent = text;
  at("notices").replaceChildren(line);
}

function fail(problem) {
  say(problem.detail || "The server cannot be reached; try again.", "bad");
}
