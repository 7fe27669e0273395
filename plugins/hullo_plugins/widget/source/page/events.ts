/** Who listens to what. A listener that fails is the page's own affair, and keeps nothing from the others. */

import type { Events, Listener } from "../hullo";

export interface Announcer {
  on<K extends keyof Events>(event: K, listener: Listener<K>): () => void;
  off<K extends keyof Events>(event: K, listener?: Listener<K>): void;
  tell<K extends keyof Events>(event: K, detail: Events[K]): void;
}

export function createAnnouncer(): Announcer {
  const listeners = new Map<string, Set<Told>>();
  let ready: unknown;

  function off(event: string, listener?: Told): void {
    if (listener) listeners.get(event)?.delete(listener);
    else listeners.delete(event);
  }

  return {
    on(event, listener) {
      const heard = listener as Told;
      listeners.set(event, (listeners.get(event) ?? new Set()).add(heard));
      // Whoever comes late is told as well, or every page would have to ask first.
      if (event === "ready" && ready) queueMicrotask(() => call(heard, ready));
      return () => off(event, heard);
    },
    off: off as Announcer["off"],
    tell(event, detail) {
      if (event === "ready") ready = detail;
      for (const listener of [...(listeners.get(event) ?? [])]) call(listener, detail);
    },
  };
}

type Told = (detail: unknown) => void;

function call(listener: Told, detail: unknown): void {
  try {
    listener(detail);
  } catch (error) {
    reportError(error);
  }
}
