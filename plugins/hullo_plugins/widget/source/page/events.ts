/** Who listens to what. A listener that fails is the page's own affair, and keeps nothing from the others. */

import type { OwnEvents } from "../contract";
import type { Events, Listener } from "../hullo";

export interface Announcer {
  on<K extends keyof Events>(event: K, listener: Listener<K>): () => void;
  /** Without a listener: all that the page has. */
  off<K extends keyof Events>(event: K, listener?: Listener<K>): void;
  /** For our own parts, which no page can keep from listening. */
  watch<K extends keyof OwnEvents>(event: K, listener: (detail: OwnEvents[K]) => void): void;
  tell<K extends keyof OwnEvents>(event: K, detail: OwnEvents[K]): void;
}

export function createAnnouncer(): Announcer {
  const listeners = new Map<string, Set<Told>>();
  const own = new Set<unknown>();
  /** What whoever comes late is told as well, or every page would have to ask first. */
  const standing = new Map<string, unknown>();

  function add(event: string, listener: unknown): void {
    listeners.set(event, (listeners.get(event) ?? new Set()).add(listener as Told));
  }

  function off(event: string, listener?: unknown): void {
    const those = listeners.get(event);
    for (const each of those ?? []) if (listener ? each === listener : !own.has(each)) those!.delete(each);
  }

  return {
    on(event, listener) {
      add(event, listener);
      const detail = standing.get(event);
      if (detail) queueMicrotask(() => call(listener as Told, detail));
      return () => off(event, listener);
    },
    off,
    watch(event, listener) {
      own.add(listener);
      add(event, listener);
    },
    tell(event, detail) {
      if (event === "forgotten") standing.delete("identified");
      if (event === "ready" || event === "identified") standing.set(event, detail);
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
