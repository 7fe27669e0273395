/** Calls by fetch. */

import { Refused, type Options } from "../contract";
import type { Problem } from "./wire";

const PATIENCE = 15_000;

/** A GET, or a POST where there is a body. Rejects with `Refused`: `offline` where nobody answered.
 *
 * `beacon`: says in its body who it is, and so gets through from a page that is being left, for it needs no leave of
 * the server beforehand (CORS).
 */
export type Http = <T extends object>(path: string, body?: object, beacon?: boolean) => Promise<T>;

/** `token`: of the session, as it is at each call. */
export function createHttp({ host, appKey }: Options, token: () => string | undefined): Http {
  return async (path, body, beacon = false) => {
    const session = token();
    const headers = {
      "Content-Type": "application/json",
      ...(session && { Authorization: `Bearer ${session}` }),
    };
    try {
      const response = await fetch(`${host}/v1/${path}`, {
        credentials: "same-origin",
        redirect: "error", // or the credentials would go to whoever is named there
        keepalive: beacon,
        signal: AbortSignal.timeout?.(PATIENCE) ?? null,
        ...(!beacon && { headers }),
        ...(body && { method: "POST", body: JSON.stringify({ app_key: appKey, ...body }) }),
      });
      if (response.ok) return await response.json();
      const { code = "internal", detail = "" } = (await response.json().catch(() => ({}))) as Partial<Problem>;
      throw new Refused(code, detail, response.status, Number(response.headers.get("Retry-After")) || undefined);
    } catch (failure) {
      throw failure instanceof Refused ? failure : offline();
    }
  };
}

export function offline(): Refused {
  return new Refused("offline", "no connection");
}

/** Whether the same call may well be taken later. */
export function passing({ code, status }: Refused): boolean {
  return /^(offline|rate_limited|unavailable)$/.test(code) || (status > 501 && status < 505);
}
