"use strict";
let api;
const at = (id) => document.getElementById(id);

function element(tag, kind, text, ...below) {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  if (text !== undefined && text !== null) made.textContent = text;
  made.append(...below);
  return made;
}

// Text with `code` in it.
function prose(text) {
  return (text || "").split(/``?/).map((part, index) => (index % 2 ? element("code", "", part) : part));
}

const named = (ref) => ref.split("/").pop();
const resolved = (schema) => (schema && schema.$ref ? api.components.schemas[named(schema.$ref)] : schema) || {};

function link(ref) {
  const made = element("a", "", named(ref));
  made.href = "#shape-" + named(ref);
  return made;
}

function joined(parts, word) {
  return parts.flatMap((part, index) => (index ? [word, ...part] : part));
}

// What a value looks like, as nodes: names of shapes are links.
function kindOf(schema) {
  if (!schema) return [];
  if (schema.$ref) return [link(schema.$ref)];
  if (schema.allOf) return joined(schema.allOf.map(kindOf), " and ");
  if (schema.anyOf || schema.oneOf) return joined((schema.anyOf || schema.oneOf).map(kindOf), " or ");
  if (schema.enum) return [schema.enum.map((word) => JSON.stringify(word)).join(" | ")];
  if (schema.type === "array") return ["list of ", ...kindOf(schema.items)];
  return [[schema.format || schema.type || "anything", bounds(schema)].filter(Boolean).join(", ")];
}

function bounds(schema) {
  const said = [];
  if (schema.minimum !== undefined) said.push("≥ " + schema.minimum);
  if (schema.maximum !== undefined) said.push("≤ " + schema.maximum);
  if (schema.maxLength !== undefined) said.push("≤ " + schema.maxLength + " characters");
  if (schema.pattern) said.push("like " + schema.pattern);
  return said.join(", ");
}

function described(schema) {
  const alternatives = schema.anyOf || [];
  const said = schema.description || alternatives.map((one) => one.description).find(Boolean);
  const preset = schema.default !== undefined && schema.default !== null ? "Default: " + JSON.stringify(schema.default) + "." : "";
  return [said, preset].filter(Boolean).join(" ");
}

function table(lines) {
  const rows = lines.map(([name, needed, kind, text]) => element("tr", "", null,
    element("td", needed ? "needed" : "", null, element("code", "", name)),
    element("td", "", null, ...kind), element("td", "soft", null, ...prose(text))));
  return element("table", "", null, element("tbody", "", null, ...rows));
}

function members(schema) {
  const required = schema.required || [];
  return table(Object.entries(schema.properties || {}).map(([name, value]) =>
    [name, required.includes(name), kindOf(value), described(value)]));
}

// An example value: the schema's own where it has one.
function sample(schema, depth) {
  if (schema.examples) return schema.examples[0];
  if (schema.default !== undefined && schema.default !== null) return schema.default;
  if (schema.$ref) return depth > 5 ? {} : sample(resolved(schema), depth + 1);
  if (schema.allOf) return sample(schema.allOf[0], depth);
  const choices = schema.anyOf || schema.oneOf;
  if (choices) return sample(choices.find((one) => one.type !== "null") || choices[0], depth);
  if (schema.enum) return schema.enum[0];
  if (schema.const !== undefined) return schema.const;
  if (schema.type === "array") return [sample(schema.items || {}, depth + 1)];
  if (schema.properties) return objectSample(schema, depth);
  const plain = { integer: schema.minimum || 0, number: 0, boolean: false, object: {}, null: null };
  if (schema.format === "uuid") return "0193a5b2-7c31-7d2e-9f40-1b6a2c3d4e5f";
  if (schema.format === "date-time") return "2026-01-31T12:00:00Z";
  return schema.type in plain ? plain[schema.type] : "text";
}

function objectSample(schema, depth) {
  const required = schema.required || [];
  const all = Object.entries(schema.properties);
  const shown = all.filter(([name, value]) => required.includes(name) || value.examples || (value.anyOf || []).some((one) => one.examples));
  const made = Object.fromEntries((shown.length ? shown : all).map(([name, value]) => [name, sample(value, depth + 1)]));
  // A place is given by its path, or by a parent and a name.
  if ("path" in made && !required.includes("name")) delete made.name;
  return made;
}

function bodyOf(about) {
  const content = about.requestBody && about.requestBody.content["application/json"];
  return content && content.schema;
}

function curl(method, path, about) {
  const words = ["curl"];
  if (method !== "get") words.push("-X " + method.toUpperCase());
  if (!about.security) words.push('-H "Authorization: Bearer $BITVAULT_TOKEN"');
  const needed = (about.parameters || []).filter((one) => one.in === "query" && one.required);
  const query = needed.map((one) => one.name + "=" + encodeURIComponent(sample(one.schema, 0))).join("&");
  words.push("'" + location.origin + path + (query ? "?" + query : "") + "'");
  const body = bodyOf(about);
  if (body) words.push("--json '" + JSON.stringify(sample(body, 0), null, 2).replaceAll("'", "'\\''") + "'");
  return words.join(" \\\n  ");
}

function answers(about) {
  const lines = Object.entries(about.responses).filter(([status]) => status < 400);
  return lines.map(([status, answer]) => {
    const content = Object.values(answer.content || {})[0];
    return [status, false, content ? kindOf(content.schema) : ["no body"], answer.description];
  });
}

function codes(about) {
  return Object.entries(about.responses).filter(([status]) => status >= 400).flatMap(([status, answer]) =>
    answer.description.replace(/^Problem: |\.$/g, "").split(", ").map((code) => [code, status]));
}

function example(about) {
  const content = Object.entries(about.responses).filter(([status]) => status < 300).map(([, answer]) => Object.values(answer.content || {})[0]).find(Boolean);
  return content ? JSON.stringify(sample(content.schema, 0), null, 2) : "";
}

function inside(method, path, about) {
  const parts = [];
  const add = (head, ...below) => parts.push(element("h3", "", head), ...below);
  if (about.description) parts.push(element("p", "", null, ...prose(about.description)));
  if ((about.parameters || []).length) {
    add("Parameters", table(about.parameters.map((one) =>
      [one.name, one.required, [one.in + ": ", ...kindOf(one.schema)], one.description || described(one.schema)])));
  }
  const body = bodyOf(about);
  if (body) add("Body", element("p", "", null, ...kindOf(body), element("span", "soft", " ", ...prose(resolved(body).description))), members(resolved(body)));
  add("Try it", element("pre", "", curl(method, path, about)));
  add("Answers", table(answers(about)));
  if (example(about)) parts.push(element("pre", "", example(about)));
  const refusals = codes(about).map(([code, status]) => element("code", "", status + " " + code));
  add("Refusals", element("p", "", null, ...joined(refusals.map((one) => [one]), " · ")));
  return element("div", "", null, ...parts);
}

function head(method, path) {
  return [element("span", "method " + method, method.toUpperCase()), element("code", "", path)];
}

function operation(method, path, about) {
  const made = element("details", "op", null, element("summary", "", null, ...head(method, path), element("span", "soft", "  " + about.summary)));
  made.id = about.operationId;
  made.dataset.words = [method, path, about.summary, about.operationId, ...codes(about).map(([code]) => code)].join(" ").toLowerCase();
  made.addEventListener("toggle", () => made.children.length > 1 || made.append(inside(method, path, about)));
  return made;
}

function entry(method, path, about) {
  const made = element("a", "", null, element("span", "method " + method, method.toUpperCase()), path.replace("/v1", ""));
  made.href = "#" + about.operationId;
  return made;
}

function shape(name, schema) {
  const made = element("details", "shape", null, element("summary", "", null, element("code", "", name), element("span", "soft", "  ", ...prose(schema.description))));
  made.id = "shape-" + name;
  made.append(element("div", "", null, schema.properties ? members(schema) : element("p", "", null, ...kindOf(schema))));
  return made;
}

function everyCode() {
  return table(api["x-problems"].map((one) => [one.status + " " + one.code, false, [], one.meaning]));
}

function filter(word) {
  for (const one of document.querySelectorAll(".op")) one.hidden = !one.dataset.words.includes(word.toLowerCase());
  for (const one of document.querySelectorAll("[data-tag]")) {
    one.hidden = [...one.querySelectorAll(".op")].every((op) => op.hidden);
  }
}

function reveal() {
  const wanted = at(decodeURIComponent(location.hash.slice(1)));
  if (!wanted || !("open" in wanted)) return;
  wanted.open = true;
  wanted.scrollIntoView();
}

async function start() {
  api = await (await fetch("/v1/openapi.json")).json();
  const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, about]) => [method, path, about]));
  at("title").textContent = api.info.title + " REST interface " + api.info.version;
  at("about").replaceChildren(...api.info.description.split("\n\n").map((text) => element("p", "", null, ...prose(text))));
  at("operations").replaceChildren();
  for (const tag of api.tags) {
    const own = operations.filter(([, , about]) => about.tags.includes(tag.name));
    const section = element("section", "", null, element("h2", "", tag.name), element("div", "card", null, ...own.map((one) => operation(...one))));
    section.dataset.tag = tag.name;
    at("operations").append(section);
    at("side").append(element("h2", "", tag.name), ...own.map((one) => entry(...one)));
  }
  at("errors").append(element("p", "soft", "Problem details (RFC 9457): programs decide by the code, people read the detail."), everyCode());
  at("shapes").append(...Object.entries(api.components.schemas).map(([name, schema]) => shape(name, schema)));
  at("filter").addEventListener("input", () => filter(at("filter").value));
  addEventListener("hashchange", reveal);
  reveal();
}

start().catch((error) => { at("operations").textContent = "The description could not be read: " + error.message; });
