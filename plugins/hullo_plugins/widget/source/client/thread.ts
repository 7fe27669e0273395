/** The lines of one conversation: each once, in order. */

import type { Line } from "../contract";
import type { Message } from "./wire";

export interface Entry extends Line {
  /** The server's; undefined until it has it. */
  readonly id?: string;
}

/** With what was said, wherever it belongs. A line that the visitor has just written is the one that comes back. */
export function withSaid(entries: readonly Entry[], said: readonly Message[]): Entry[] {
  const byKey = new Map(entries.map((entry) => [entry.key, entry]));
  for (const { id, author, text, created_at, client_id } of said) {
    const key = (author === "visitor" && client_id) || id;
    byKey.set(key, { key, id, author, text, at: Date.parse(created_at), state: "sent" });
  }
  return [...byKey.values()].sort(order);
}

/** As the server has them; what is on its way stands last, as it was written. */
function order(one: Entry, other: Entry): number {
  if (!one.id || !other.id) return Number(!one.id) - Number(!other.id);
  return one.at - other.at || (one.id < other.id ? -1 : 1);
}

/** The ids of what agents have said since the visitor last did; `newest` comes first. */
export function unanswered(newest: readonly Message[]): string[] {
  const answered = newest.findIndex(({ author }) => author === "visitor");
  return newest.slice(0, answered < 0 ? newest.length : answered).map(({ id }) => id);
}

/** Clocks of servers differ by less than this. */
const APART = 10_000;

/** From where to ask for what was missed: the newest that nothing can still come before. `known`: times by id. */
export function anchor(known: ReadonlyMap<string, number>): string | undefined {
  const newest = Math.max(...known.values());
  let found: string | undefined;
  for (const [id, at] of known) if (at <= newest - APART && (!found || id > found)) found = id;
  return found;
}
