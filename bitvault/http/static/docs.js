"use strict";

function element(tag, text, ...below) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  made.append(...below);
  return made;
}

function shapeOf(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(shapeOf).join(" or ");
  if (schema.enum) return schema.enum.join(" | ");
  if (schema.type === "array") return "[" + shapeOf(schema.items) + "]";
  return [schema.type, schema.format, schema.pattern].filter(Boolean).join(" ");
}

function contentShape(content) {
  return Object.values(content || {}).map((one) => shapeOf(one.schema)).join(" or ");
}

function table(lines) {
  const body = lines.map((cells) => element("tr", "", ...cells.map((text) => element("td", text))));
  return element("table", "", element("tbody", "", ...body));
}

function operation(method, path, about) {
  const name = element("span", method.toUpperCase());
  name.className = "method";
  const head = element("summary", "", name, element("code", path), " " + about.summary);
  const lines = (about.parameters || []).map((p) => [p.in + " " + p.name + (p.required ? " *" : ""), shapeOf(p.schema)]);
  if (about.requestBody) lines.push(["body", contentShape(about.requestBody.content)]);
  for (const [status, answer] of Object.entries(about.responses)) {
    lines.push([status, contentShape(answer.content) + " " + answer.description]);
  }
  return element("details", "", head, table(lines));
}

function shape(name, schema) {
  const required = schema.required || [];
  const lines = Object.entries(schema.properties || {}).map(([field, value]) => [
    field + (required.includes(field) ? " *" : ""), shapeOf(value), value.description || "",
  ]);
  const parts = [element("summary", "", element("code", name)), element("p", schema.description)];
  return element("details", "", ...parts, table(lines));
}

async function start() {
  const api = await (await fetch("/v1/openapi.json")).json();
  document.getElementById("title").textContent = api.info.title + " " + api.info.version;
  document.getElementById("about").textContent = api.info.description;
  const operations = document.getElementById("operations");
  for (const tag of api.tags) {
    operations.append(element("h2", tag.name));
    for (const [path, methods] of Object.entries(api.paths)) {
      for (const [method, about] of Object.entries(methods)) {
        if (about.tags.includes(tag.name)) operations.append(operation(method, path, about));
      }
    }
  }
  const shapes = Object.entries(api.components.schemas).map(([name, schema]) => shape(name, schema));
  document.getElementById("shapes").append(...shapes);
}

start();
