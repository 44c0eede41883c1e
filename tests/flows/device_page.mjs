// Runs the scripts of the page /device as a tab does, against a server, but without what is drawn.
// Usage: node device_page.mjs SERVER ADDRESS KEPT CLICKS CODE: KEPT is what the tab's session holds,
// in JSON, and CLICKS the ids of buttons, pressed one after the other. Prints, in JSON, where the tab
// was sent, what its session holds then, and the texts that are shown.
import { readFileSync } from 'node:fs';
import { createContext, runInContext } from 'node:vm';

const [server, address, kept, clicks, code] = process.argv.slice(2);
const session = new Map(Object.entries(JSON.parse(kept)));
const elements = new Map();
let sentTo = '';

function element() {
  const heard = {};
  return {
    value: '',
    disabled: false,
    textContent: '',
    children: [],
    append(...some) { this.children.push(...some); },
    replaceChildren(...some) { this.children = some; },
    addEventListener(kind, act) { heard[kind] = act; },
    click() { heard.click(); },
    focus() {},
    reportValidity: () => true,
    get text() { return [this.textContent, ...this.children.map((one) => one.text)].join(' ').trim(); },
  };
}

function at(id) {
  if (!elements.has(id)) elements.set(id, element());
  return elements.get(id);
}

const tab = createContext({
  document: { getElementById: at, createElement: element },
  location: {
    hash: `#${code}`, search: new URL(address, server).search, assign: (to) => { sentTo = to; },
  },
  history: { replaceState() {} },
  sessionStorage: {
    getItem: (name) => session.get(name) ?? null,
    setItem: (name, value) => session.set(name, value),
    removeItem: (name) => session.delete(name),
  },
  fetch: (to, options) => fetch(new URL(to, server), options),
  addEventListener() {},
  btoa,
  crypto,
  TextEncoder,
  URLSearchParams,
});

// The page disables buttons for as long as something goes on.
async function settled() {
  while ([...elements.values()].some((one) => one.disabled)) await new Promise(setImmediate);
}

at('tenant').value = 'default';
for (const name of ['form.js', 'device.js']) {
  const file = new URL(`../../bitvault/http/static/${name}`, import.meta.url);
  runInContext(readFileSync(file, 'utf8'), tab);
}
await settled();
for (const id of clicks.split(',').filter(Boolean)) {
  at(id).click();
  await settled();
}
// Of several providers a button for each is shown; with one alone the tab goes there at once.
const way = at('ways').children.find((one) => one.textContent === 'Sign in with Certified');
if (way && !sentTo) {
  way.click();
  while (way.disabled) await new Promise(setImmediate);
}
const shown = Object.fromEntries([...elements].map(([id, one]) => [id, one.text]));
process.stdout.write(JSON.stringify({ sentTo, kept: Object.fromEntries(session), shown }));
