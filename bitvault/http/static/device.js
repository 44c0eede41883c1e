"use strict";
const at = (id) => document.getElementById(id);
let token = "";

function fact(name, text) {
  const row = document.createElement("div");
  const heads = [["dt", name], ["dd", text]].map(([tag, said]) => {
    const made = document.createElement(tag);
    made.textContent = said;
    return made;
  });
  row.append(...heads);
  return row;
}

function say(text, kind) {
  const told = document.createElement("p");
  told.className = "notice " + kind;
  told.textContent = text;
  at("notices").replaceChildren(told);
}

function tell(problem) {
  say(problem.detail || "The server cannot be reached; try again.", "bad");
}

async function ask(method, path, body) {
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = "Bearer " + token;
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  if (answer.status === 204) return null;
  const said = await answer.json();
  if (!answer.ok) throw said;
  return said;
}

// What is approved is a session of its own; the one of this page is not left behind.
async function leave() {
  if (token) await ask("DELETE", "/v1/sessions/current").catch(() => null);
  token = "";
}

async function held(buttons, act) {
  buttons.forEach((one) => { one.disabled = true; });
  try {
    at("notices").replaceChildren();
    await act();
  } catch (problem) {
    tell(problem);
  } finally {
    buttons.forEach((one) => { one.disabled = false; });
  }
}

function age(text) {
  const seconds = Math.max(0, Math.round((Date.now() - new Date(text)) / 1000));
  return seconds < 90 ? seconds + " seconds ago" : Math.round(seconds / 60) + " minutes ago";
}

function show(device, user) {
  at("facts").replaceChildren(
    fact("Program, as it calls itself", device.clientName),
    fact("Address", device.address + (device.isNear ? "" : " (not the network you are in)")),
    fact("It says it is", device.userAgent || "nothing"),
    fact("Began", age(device.begunAt)),
    fact("It would be let in as", user.displayName + " (" + user.login + ", " + user.tenant + ")"),
  );
  at("enter").hidden = true;
  at("asks").hidden = false;
  at("deny").focus();
}

async function enter() {
  const body = { tenant: at("tenant").value, login: at("login").value, password: at("password").value };
  const opened = await ask("POST", "/v1/sessions", body);
  token = opened.token;
  try {
    show(await ask("POST", "/v1/device-authorizations/lookup", { userCode: at("code").value }), opened.user);
    at("password").value = "";
  } catch (problem) {
    await leave();
    throw problem;
  }
}

async function answer(word, said) {
  await ask("POST", "/v1/device-authorizations/" + word, { userCode: at("code").value });
  await leave();
  at("asks").hidden = true;
  say(said, word === "approve" ? "fine" : "");
}

at("code").value = location.hash.slice(1);
(at("code").value ? at("login") : at("code")).focus();
at("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  held([at("go")], enter);
});
const both = [at("approve"), at("deny")];
at("approve").addEventListener("click", () => held(both, () => answer("approve", "It is let in within seconds. You can end its session at any time: bitvault sessions. This page can be closed.")));
at("deny").addEventListener("click", () => held(both, () => answer("deny", "It stays out. This page can be closed.")));
addEventListener("hashchange", () => location.reload());
