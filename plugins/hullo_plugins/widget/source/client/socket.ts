/** One WebSocket, from its join to its end. It lives as long as it answers. */

import type { Frame } from "./wire";

/** Milliseconds: until it has joined, until it answers, and of silence before it is asked to. */
const JOINS_WITHIN = 5_000;
const ANSWERS_WITHIN = 10_000;
const SILENCE = 25_000;
const SILENCE_UNSEEN = 55_000;

export interface Socket {
  readonly joined: boolean;
  send(frame: Frame): void;
  /** Asks whether the other side is still there. */
  ping(): void;
  /** Nothing more is heard of it. */
  close(): void;
}

export interface Ears {
  frame(frame: Frame): void;
  /** It has ended by itself. `hint`: how much it looks as if no socket gets through. */
  closed(code: number, reason: string, hint: number): void;
}

/** So many hints, of sockets one after the other, are enough. */
export const BLOCKED = 2;

export function openSocket(address: string, join: Frame, ears: Ears): Socket {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let joined = false;
  let owed = false;
  let ended = false;
  let wire: WebSocket | undefined;

  function end(code: number, reason = "", hint = Number(!joined)): void {
    if (ended) return;
    close();
    ears.closed(code, reason, hint);
  }

  function close(): void {
    ended = true;
    clearTimeout(timer);
    wire?.close();
  }

  function watch(): void {
    clearTimeout(timer);
    if (ended) return;
    if (!joined) timer = setTimeout(() => end(1006, "", BLOCKED), JOINS_WITHIN);
    else if (owed) timer = setTimeout(() => end(1006), ANSWERS_WITHIN);
    else timer = setTimeout(ping, document.hidden ? SILENCE_UNSEEN : SILENCE);
  }

  function ping(): void {
    if (joined) send({ type: "ping" });
  }

  function send(frame: Frame): void {
    wire?.send(JSON.stringify(frame));
    // A second question takes nothing from the time that the first one has.
    if (!owed) {
      owed = true;
      watch();
    }
  }

  try {
    wire = new WebSocket(address);
    wire.onopen = () => wire?.send(JSON.stringify(join));
    wire.onmessage = ({ data }) => {
      if (ended) return;
      const frame = JSON.parse(String(data)) as Frame;
      owed = false;
      if (frame.type === "joined") joined = true;
      ears.frame(frame);
      watch();
    };
    wire.onclose = ({ code, reason }) => end(code, reason);
  } catch {
    // A policy of the page forbids it. Told later, as all of its ends are.
    queueMicrotask(() => end(1006, "", BLOCKED));
  }
  watch();

  return {
    get joined() {
      return joined;
    },
    send,
    ping,
    close,
  };
}
