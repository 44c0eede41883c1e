// Runs the scripts of the page for guests without a browser: sends one file, whose bytes get lost
// the first times, presses "Try again", and says what the row told before and after.
// Usage: node request_page.mjs SERVER TOKEN FOLDER_OF_SCRIPTS BYTES LOSSES
import { readFileSync } from "node:fs";
import vm from "node:vm";

const [server, token, scripts, size, lost] = process.argv.slice(2);

class Element {
  constructor(tag) {
    Object.assign(this, { tag, className: "", textContent: "", value: "", children: [], acts: {}, disabled: false });
    this.classList = { toggle() {} };
  }
  append(...more) { for (const one of more) { this.children.push(one); one.above = this; } }
  replaceChildren(...more) { this.children = []; this.append(...more); }
  remove() { this.above.children.splice(this.above.children.indexOf(this), 1); }
  replaceWith(other) { this.above.children[this.above.children.indexOf(this)] = other; other.above = this.above; }
  get lastChild() { return this.children.at(-1); }
  all() { return this.children.flatMap((one) => [one, ...one.all()]); }
  is(what) { return what[0] === "." ? this.className.split(" ").includes(what.slice(1)) : this.tag === what; }
  querySelectorAll(what) { return this.all().filter((one) => one.is(what)); }
  querySelector(what) { return this.querySelectorAll(what)[0] || new Element(what); }
  addEventListener(kind, act) { this.acts[kind] = act; }
  setAttribute() {}
  focus() {}
  reportValidity() { return true; }
}

let losses = Number(lost);
class Request {
  constructor() { this.headers = {}; this.acts = {}; this.upload = { addEventListener() {} }; }
  open(method, url) { Object.assign(this, { method, url }); }
  setRequestHeader(name, value) { this.headers[name] = value; }
  addEventListener(kind, act) { this.acts[kind] = act; }
  getResponseHeader(name) { return this.answer.headers.get(name); }
  async send(body) {
    if (losses > 0) { losses -= 1; this.acts.error(); return; }
    this.answer = await fetch(this.url, { method: this.method, headers: this.headers, body });
    this.status = this.answer.status;
    this.acts.load();
  }
}

const known = {};
const at = (id) => (known[id] ||= new Element(id));
const started = {};
const page = vm.createContext({
  document: { getElementById: at, createElement: (tag) => new Element(tag) },
  location: { hash: "#" + token },
  fetch: (path, more) => fetch(new URL(path, server), more),
  XMLHttpRequest: Request,
  addEventListener: (kind, act) => { started[kind] = act; },
  crypto, setTimeout, TextEncoder, btoa, Uint8Array,
});
for (const name of ["link.js", "request.js"]) vm.runInContext(readFileSync(scripts + "/" + name, "utf8"), page);

const told = async (kind) => {
  for (;;) {
    const found = at("sent").querySelectorAll(kind);
    if (found.length && !vm.runInContext("under", page)) return found[0].textContent;
    await new Promise((done) => setTimeout(done, 10));
  }
};

await started.DOMContentLoaded();
at("sender").value = "Zoe";
const file = new File([new Uint8Array(Number(size))], "report.bin", { lastModified: 1 });
at("files").acts.change({ target: { files: [file] } });
const first = await told(".bad");
const again = at("sent").querySelector("button");
again.acts.click();
while (at("sent").querySelector(".told").className.includes("bad")) await new Promise((done) => setTimeout(done, 10));
const second = await Promise.race([told(".good"), told(".bad")]);
process.stdout.write(JSON.stringify([first, again.textContent, second]), () => process.exit());
