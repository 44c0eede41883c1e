// A real OpenID provider with accounts in memory, for the tests of single sign-on.
// Usage: node server.mjs; prints its issuer when it listens. POST /test/accounts and /test/rotate
// are the tests' own; all else is oidc-provider.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const accounts = new Map();
let kid = 0;
let current;

// Outlives a rotation, after which the provider is made anew.
const stored = new Map();

class Memory {
  constructor(name) { this.name = name; }

  async upsert(id, payload) { stored.set(`${this.name} ${id}`, payload); }

  async find(id) { return stored.get(`${this.name} ${id}`); }

  async findByUid(uid) { return this.first((one) => one.uid === uid); }

  async findByUserCode(code) { return this.first((one) => one.userCode === code); }

  async consume(id) { (await this.find(id)).consumed = Math.floor(Date.now() / 1000); }

  async destroy(id) { stored.delete(`${this.name} ${id}`); }

  async revokeByGrantId(grantId) {
    for (const [key, one] of stored) if (one.grantId === grantId) stored.delete(key);
  }

  first(fits) {
    for (const [key, one] of stored) if (key.startsWith(`${this.name} `) && fits(one)) return one;
    return undefined;
  }
}

function key() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  kid += 1;
  return { ...privateKey.export({ format: 'jwk' }), kid: `key-${kid}`, use: 'sig', alg: 'RS256' };
}

function provider(issuer) {
  return new Provider(issuer, {
    adapter: Memory,
    jwks: { keys: [key()] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    claims: {
      openid: ['sub'],
      profile: ['name', 'preferred_username'],
      email: ['email', 'email_verified'],
      groups: ['groups'],
      quota: ['quota'],
    },
    scopes: ['openid', 'profile', 'email', 'groups', 'quota'],
    features: {
      registration: { enabled: true },
      devInteractions: { enabled: true },
      backchannelLogout: { enabled: true },
    },
    // Without its guard against private addresses: the daemon under test is at one.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
    findAccount: (_, sub) => {
      const claims = accounts.get(sub);
      return claims && { accountId: sub, claims: async () => ({ sub, ...claims }) };
    },
  });
}

function json(request) {
  return new Promise((resolve) => {
    let body = '';
    request.on('data', (part) => { body += part; });
    request.on('end', () => resolve(body ? JSON.parse(body) : {}));
  });
}

const server = createServer(async (request, response) => {
  if (request.url === '/test/accounts') {
    for (const [sub, claims] of Object.entries(await json(request))) accounts.set(sub, claims);
    response.end();
  } else if (request.url === '/test/rotate') {
    current = provider(current.issuer);
    response.end();
  } else {
    current.callback()(request, response);
  }
});

server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  current = provider(issuer);
  process.stdout.write(`listening at ${issuer}\n`);
});
