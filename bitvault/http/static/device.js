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
  await lookUp(await send("POST", "/v1/sessions", body));
}

async function lookUp(opened) {
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

// Single sign-on: the browser goes to the provider and comes back here with a code, which is of use
// only to this tab, because it has the verifier.
const KEPT = "bitvault device sign-in";

function encoded(raw) {
  const text = btoa(String.fromCharCode(...new Uint8Array(raw)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function goTo(provider) {
  const [verifier, state] = [0, 1].map(() => encoded(crypto.getRandomValues(new Uint8Array(32))));
  const kept = { verifier, state, code: at("code").value, tenant: at("tenant").value };
  sessionStorage.setItem(KEPT, JSON.stringify(kept));
  const challenge = encoded(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
  const query = new URLSearchParams({ returnTo: "/device", challenge, state });
  location.assign("/v1/sso/" + provider + "/start?" + query);
}

function wayTo(way) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = "Sign in with " + way.name;
  made.addEventListener("click", () => held([made], () => goTo(way.id)));
  return made;
}

async function offer() {
  const tenant = new URLSearchParams({ tenant: at("tenant").value });
  const ways = (await send("GET", "/v1/sso?" + tenant)).items;
  if (!ways.length) throw { detail: "The users of this tenant do not sign in so; use your password." };
  if (ways.length === 1) await goTo(ways[0].id);
  else at("ways").replaceChildren(...ways.map(wayTo));
}

async function comeBack(told) {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) || "{}");
  sessionStorage.removeItem(KEPT);
  history.replaceState(null, "", "/device");
  if (!kept.state || told.get("state") !== kept.state) throw { detail: "This sign-in was not begun here, or is over; begin again." };
  at("code").value = kept.code;
  at("tenant").value = kept.tenant;
  const code = told.get("code");
  if (!code) throw { detail: "The identity provider did not let you in, or is not believed; ask your admin." };
  await lookUp(await send("POST", "/v1/sso/sessions", { code, verifier: kept.verifier }));
}

async function answer(word, said) {
  await send("POST", "/v1/device-authorizations/" + word, { userCode: at("code").value }, token);
  await leave();
  at("asks").hidden = true;
  say(said, word === "approve" ? "fine" : "");
}

at("code").value = location.hash.slice(1);
(at("code").value ? at("login") : at("code")).focus();
const told = new URLSearchParams(location.search);
if (told.has("state")) held([at("go"), at("sso")], () => comeBack(told));
// Browsers make a challenge on pages that came by HTTPS, or from their own machine.
at("sso").hidden = !crypto.subtle;
at("sso").addEventListener("click", () => {
  if (at("code").reportValidity()) held([at("go"), at("sso")], offer);
});
at("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  held([at("go")], enter);
});
const both = [at("approve"), at("deny")];
at("approve").addEventListener("click", () => held(both, () => answer("approve", "It is let in within seconds. You can end its session at any time: bitvault sessions. This page can be closed.")));
at("deny").addEventListener("click", () => held(both, () => answer("deny", "It stays out. This page can be closed.")));
addEventListener("hashchange", () => location.reload());
