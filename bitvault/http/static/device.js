"use strict";
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

// What is approved is a session of its own; the one of this page is not left behind.
async function leave() {
  if (token) await send("DELETE", "/v1/sessions/current", null, token).catch(() => null);
  token = "";
}

async function held(buttons, act) {
  buttons.forEach((one) => { one.disabled = true; });
  try {
    at("notices").replaceChildren();
    await act();
  } catch (problem) {
    fail(problem);
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
  const opened = await send("POST", "/v1/sessions", body);
  token = opened.token;
  try {
    const code = { userCode: at("code").value };
    show(await send("POST", "/v1/device-authorizations/lookup", code, token), opened.user);
    at("password").value = "";
  } catch (problem) {
    await leave();
    throw problem;
  }
}

async function answer(word, said) {
  await send("POST", "/v1/device-authorizations/" + word, { userCode: at("code").value }, token);
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
