// Signs who a visitor is, on your site's server: a hash, or a token. README.md says which, and when.

import { createHmac, randomBytes } from "node:crypto";
import { realpathSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

const LONGEST_LIFE = 24 * 60 * 60;

const USAGE = `\
usage: node signing.mjs hash VALUE
       node signing.mjs token APP_KEY EXTERNAL_ID [EMAIL] [NAME]`;

/**
 * The hash that vouches for one value: the external id or, when no external id is sent, the email as it is sent.
 *
 * The key's text is the key, as it is: nothing of it is decoded, from hexadecimal or otherwise.
 *
 * @param {string} key
 * @param {string} value
 * @returns {string}
 */
export function userHash(key, value) {
  return createHmac("sha256", key).update(value).digest("hex");
}

/**
 * The token (a JWT, HS256) that vouches for all of its claims, once, for as many seconds as `ttl` says.
 *
 * The claims: sub, which is the external id, email, name, phone, company, avatar_url, custom_data.
 *
 * @param {string} key
 * @param {string | null | undefined} keyId
 * @param {string} appKey
 * @param {Record<string, unknown>} claims
 * @param {number} ttl
 * @returns {string}
 */
export function signedToken(key, keyId, appKey, claims, ttl = 300) {
  if (!Number.isInteger(ttl) || ttl < 1 || ttl > LONGEST_LIFE) {
    throw new RangeError(`a token lives for 1 to ${LONGEST_LIFE} seconds, not for ${ttl}`);
  }
  const header = { alg: "HS256", typ: "JWT" };
  if (keyId) {
    header.kid = keyId;
  }
  const now = Math.floor(Date.now() / 1000);
  const payload = { ...claims, iat: now, exp: now + ttl, aud: appKey, jti: randomBytes(16).toString("hex") };
  const signed = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(payload))}`;
  const signature = createHmac("sha256", key).update(signed).digest();
  return `${signed}.${base64url(signature)}`;
}

/** @param {string | Buffer} data */
function base64url(data) {
  return Buffer.from(data).toString("base64url");
}

/**
 * The app's identity key, which only the server knows.
 *
 * @returns {string}
 */
export function identityKey() {
  const key = process.env.HULLO_IDENTITY_KEY;
  if (!key) {
    throw new Error("HULLO_IDENTITY_KEY is not set: it holds the app's identity key (hik_…)");
  }
  return key;
}

/**
 * For trying it.
 *
 * @param {string[]} args
 * @returns {number}
 */
function main([command, ...args]) {
  try {
    if (command === "hash" && args.length === 1) {
      console.log(userHash(identityKey(), args[0]));
    } else if (command === "token" && args.length >= 2 && args.length <= 4) {
      const [appKey, sub, email, name] = args;
      const claims = Object.fromEntries(Object.entries({ sub, email, name }).filter(([, value]) => value));
      console.log(signedToken(identityKey(), process.env.HULLO_IDENTITY_KEY_ID, appKey, claims));
    } else {
      console.error(USAGE);
      return 2;
    }
  } catch (error) {
    console.error(error.message);
    return 1;
  }
  return 0;
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = main(process.argv.slice(2));
}
