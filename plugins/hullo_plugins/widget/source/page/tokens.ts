/** Tokens that wait for a click: one for each origin, asked for when a link is pointed at, used once. */

import type { Client } from "../contract";

export interface HopToken {
  readonly token: string;
  readonly parameter: string;
}

export interface Tokens {
  /** Asks for one, unless there is one. */
  prepare(origin: string): Promise<unknown>;
  /** The one that is there, for this one time. */
  take(origin: string): HopToken | undefined;
  /** They are whoever the visitor was. */
  clear(): void;
}

interface Waiting {
  answer?: Promise<unknown>;
  ready?: HopToken;
  until: number;
}

/** They live for five minutes; what is left is for the journey. */
const KEPT = 240_000;
const JOURNEY = 30_000;
/** Who has no token for an origin is not asked at every movement of the pointer. */
const NOT_AGAIN = 30_000;

export function createTokens(client: Client): Tokens {
  const waiting = new Map<string, Waiting>();

  function good(origin: string): Waiting | undefined {
    const kept = waiting.get(origin);
    return kept && Date.now() < kept.until ? kept : undefined;
  }

  return {
    async prepare(origin) {
      const kept = good(origin);
      if (kept) return kept.answer;
      const next: Waiting = { until: Date.now() + KEPT };
      waiting.set(origin, next);
      next.answer = client.identityToken(origin).then(
        (ready) => {
          next.ready = ready;
          next.until = Math.min(next.until, ready.expiresAt - JOURNEY);
        },
        () => {
          next.until = Date.now() + NOT_AGAIN;
        },
      );
      return next.answer;
    },
    take(origin) {
      const ready = good(origin)?.ready;
      if (ready) waiting.delete(origin);
      return ready;
    },
    clear: () => waiting.clear(),
  };
}
