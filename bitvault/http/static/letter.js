"use strict";
const token = location.hash.slice(1);
const page = location.pathname;

function done(text) {
  for (const form of document.forms) form.hidden = true;
  say(text, "fine");
  history.replaceState(null, "", page);
}

function chosen() {
  if (at("password").value === at("again").value) return at("password").value;
  throw { detail: "The two passwords differ." };
}

function on(form, act) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    await act().catch(fail);
    button.disabled = false;
  });
}

async function accept() {
  const body = { token, password: chosen(), displayName: at("name").value };
  const opened = await send("POST", "/v1/invitations/accept", body);
  await send("DELETE", "/v1/sessions/current", null, opened.token);
  done("Welcome, " + opened.user.displayName + ". Log in as " + opened.user.login + " in " + opened.user.tenant + ": bitvault login " + location.origin + " --user " + opened.user.login + " --tenant " + opened.user.tenant);
}

async function reset() {
  await send("POST", "/v1/password-resets/use", { token, newPassword: chosen() });
  done("The password is set. Log in with it.");
}

async function ask() {
  await send("POST", "/v1/password-resets", { tenant: at("tenant").value, login: at("login").value });
  done("If there is such a login with an address, a mail is on its way. Its link is good for 30 minutes.");
}

async function confirm() {
  const body = { tenant: at("tenant").value, login: at("login").value, password: at("password").value };
  const opened = await send("POST", "/v1/sessions", body);
  try {
    const settings = await send("POST", "/v1/me/email/confirm", { token }, opened.token);
    done("You get mail at " + settings.email + " now.");
  } finally {
    await send("DELETE", "/v1/sessions/current", null, opened.token);
  }
}

async function begin() {
  if (page === "/invite") {
    const invited = await send("POST", "/v1/invitations/open", { token });
    at("about").textContent = "You are invited to " + invited.tenant + " as " + invited.login + ". Choose a password to begin.";
    at("name").value = invited.displayName;
    on(at("form"), accept);
  } else if (page === "/reset" && !token) {
    on(at("ask"), ask);
    at("ask").hidden = false;
    return;
  } else {
    on(at("form"), page === "/reset" ? reset : confirm);
  }
  at("form").hidden = false;
}

addEventListener("hashchange", () => location.reload());
begin().catch(fail);
