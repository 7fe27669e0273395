/** What a browser keeps of a visitor, under the app's key: never a proof, and of an identity no more than a digest.
 *
 * Where storage is blocked it lasts as long as the page.
 */

/** No sub-domain can plant such a cookie: whoever planted one would share the session that the visitor goes on to prove. */
const HOST = location.protocol === "https:" ? "__Host-" : "";
const COOKIE = `${HOST}hullo_session`;
const LIFE = 180 * 86_400;
const TOKEN = /^hvs_\w+$/;

/** `owed`: sessions that are to be ended on the server; `outbox`: messages that are to be sent. */
export type Part = "identity" | "outbox" | "owed";

export interface Vault {
  /** Where other tabs see what changes. */
  readonly key: string;
  /** Whether they do. */
  readonly lasting: boolean;
  /** The session's token; or what stands for one that is in a cookie which scripts cannot read. */
  mark(): string | undefined;
  setMark(mark: string | undefined): void;
  part<T>(name: Part): T | undefined;
  setPart(name: Part, value: unknown): void;
}

/** `host` is hullo's. What was kept of a session at another host is dropped, and never sent to this one. */
export function openVault(appKey: string, host: string): Vault {
  const key = `hullo:${appKey}`;
  const storage = usable();
  const memory = new Map<string, string>();

  function read(name: string): string | undefined {
    try {
      return memory.get(name) ?? storage?.getItem(name) ?? undefined;
    } catch {
      return undefined;
    }
  }

  function write(name: string, value: string | undefined): void {
    memory.delete(name);
    try {
      if (value === undefined) return storage?.removeItem(name);
      if (storage) return storage.setItem(name, value);
    } catch {
      // Full, or blocked meanwhile.
    }
    if (value !== undefined) memory.set(name, value);
  }

  function setMark(mark: string | undefined): void {
    write(key, mark);
    // The cookie of a session that no script can read is the server's.
    if (!mark || isToken(mark)) bake(mark);
  }

  function mark(): string | undefined {
    const kept = read(key);
    if (kept && !isToken(kept)) return kept;
    // The cookie is what other tabs have changed, where they share nothing else.
    return storage ? (kept ?? baking()) : (baking() ?? kept);
  }

  if ((read(`${key}:host`) ?? host) !== host) {
    setMark(undefined);
    for (const part of ["identity", "outbox", "owed"]) write(`${key}:${part}`, undefined);
  }
  write(`${key}:host`, host);

  // Each restores the other, but now alone: a tab may read for a moment what another tab has replaced, and would bring
  // that back.
  const first = mark();
  if (isToken(first)) {
    if (!read(key)) write(key, first);
    bake(first);
  }

  return {
    key,
    lasting: !!storage,
    mark,
    setMark,
    part(name) {
      try {
        return JSON.parse(read(`${key}:${name}`) ?? "null") ?? undefined;
      } catch {
        return undefined; // whoever wrote that was not hullo
      }
    },
    setPart(name, value) {
      write(`${key}:${name}`, value === undefined ? undefined : JSON.stringify(value));
    },
  };
}

export function isToken(mark: string | undefined): mark is string {
  return !!mark && TOKEN.test(mark);
}

function usable(): Storage | undefined {
  try {
    localStorage.setItem("hullo", "");
    localStorage.removeItem("hullo");
    return localStorage;
  } catch {
    return undefined;
  }
}

function baking(): string | undefined {
  try {
    const [, value] = new RegExp(`(?:^|; )${COOKIE}=([^;]*)`).exec(document.cookie) ?? [];
    return isToken(value) ? value : undefined;
  } catch {
    return undefined; // a sandboxed document has none
  }
}

function bake(token: string | undefined): void {
  try {
    document.cookie = `${COOKIE}=${token ?? ""}; Path=/; SameSite=Lax; Max-Age=${token ? LIFE : 0}${HOST && "; Secure"}`;
  } catch {
    // As above.
  }
}
