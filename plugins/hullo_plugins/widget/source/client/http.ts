/** Calls by fetch. */

import { Refused, type Options } from "../contract";
import type { Problem } from "./wire";

const PATIENCE = 15_000;

export interface Http {
  /** Rejects with `Refused`: `offline` where nobody answered. */
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body: object): Promise<T>;
  /** Gets through from a page that is being left, and so needs no leave of the server beforehand (CORS). */
  beacon<T>(path: string, body: object): Promise<T>;
}

/** `token`: of the session, as it is at each call. */
export function createHttp({ host, appKey }: Options, token: () => string | undefined): Http {
  async function call<T>(path: string, init: RequestInit): Promise<T> {
    const ending = new AbortController();
    const timer = setTimeout(() => ending.abort(), PATIENCE);
    try {
      // Redirected, the credentials would go to whoever is named there.
      const all: RequestInit = { credentials: "same-origin", redirect: "error", cache: "no-store", signal: ending.signal };
      const response = await fetch(`${host}/v1/${path}`, { ...all, ...init });
      const told: unknown = await response.json().catch(() => undefined);
      if (!response.ok) throw refusal(response, told as Problem | undefined);
      if (told) return told as T;
      throw offline();
    } catch (failure) {
      throw failure instanceof Refused ? failure : offline();
    } finally {
      clearTimeout(timer);
    }
  }

  function headers(more?: Record<string, string>): Record<string, string> {
    const session = token();
    return { "X-Hullo-App": appKey, ...(session && { Authorization: `Bearer ${session}` }), ...more };
  }

  return {
    get: (path) => call(path, { headers: headers() }),
    post: (path, body) =>
      call(path, {
        method: "POST",
        headers: headers({ "Content-Type": "application/json" }),
        body: JSON.stringify({ app_key: appKey, ...body }),
      }),
    beacon: (path, body) =>
      call(path, { method: "POST", keepalive: true, body: JSON.stringify({ app_key: appKey, ...body }) }),
  };
}

export function offline(): Refused {
  return new Refused("offline", "there is no connection right now");
}

/** Whether the same call may well be taken later. */
export function passing({ code, status }: Refused): boolean {
  return code === "offline" || code === "rate_limited" || code === "unavailable" || (status > 501 && status < 505);
}

function refusal(response: Response, problem: Problem | undefined): Refused {
  const wait = Number(response.headers.get("Retry-After")) || undefined;
  const { status } = response;
  return new Refused(problem?.code ?? "internal", problem?.detail ?? `the server answered ${status}`, status, wait);
}
