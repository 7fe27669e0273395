/** What is asked of the server, one after the other: each waits until the one before it is answered or refused. */

import type { Refused } from "../contract";

/** Something to ask. It may be asked twice, where an answer was lost on the way: that is harmless for each of them. */
export interface Call {
  readonly kind: "identify" | "message" | "read";
  /** As it is to be asked now. */
  frame(): object;
  http(): Promise<object>;
  done(answer: never): void;
  failed(refusal: Refused): void;
}

export interface Calls {
  add(call: Call): void;
  /** Sends what is next, unless something is on its way. */
  pump(): void;
  /** What is next, if it is an identity and nothing is on its way: whoever takes it sends it. */
  takeIdentity(): Call | undefined;
  /** What is on its way. */
  readonly asked: Call | undefined;
  /** Whatever is on its way is to be sent again. */
  release(): void;
  answered(call: Call, answer: object): void;
  refused(call: Call, refusal: Refused): void;
  /** Refuses what waits; but for identities, unless `whole`. */
  drop(refusal: Refused, whole: boolean): void;
}

/** `send`: false where the line is down. */
export function createCalls(send: (call: Call) => boolean): Calls {
  let calls: Call[] = [];
  let busy = false;

  function pump(): void {
    const next = calls[0];
    if (next && !busy) busy = send(next);
  }

  function end(call: Call, tell: () => void): void {
    if (calls[0] !== call) return; // over another way meanwhile, or dropped
    calls.shift();
    busy = false;
    tell();
    pump();
  }

  return {
    add(call) {
      calls.push(call);
      pump();
    },
    pump,
    takeIdentity() {
      if (busy || calls[0]?.kind !== "identify") return undefined;
      busy = true;
      return calls[0];
    },
    get asked() {
      return busy ? calls[0] : undefined;
    },
    release() {
      busy = false;
    },
    answered: (call, answer) => end(call, () => call.done(answer as never)),
    refused: (call, refusal) => end(call, () => call.failed(refusal)),
    drop(refusal, whole) {
      const gone = calls.filter(({ kind }) => whole || kind !== "identify");
      if (gone.includes(calls[0]!)) busy = false;
      calls = calls.filter((call) => !gone.includes(call));
      for (const call of gone) call.failed(refusal);
      pump();
    },
  };
}
