/** The verbs that pages push to other chat widgets, Crisp's and Convot's, told in hullo's own. */

import type { Events, Identity, Scalar } from "../hullo";
import { complain } from "./complaints";

export interface Pushed {
  /** A function, or a verb with what belongs to it. */
  take(pushed: unknown): void;
  /** Sends what was set. Without anybody to set it for, it waits for them. */
  flush(): void;
  /** An identify by any other way is about the same visitor. */
  remember(identity: Identity): void;
  forget(): void;
}

type Run = (verb: string, ...args: unknown[]) => unknown;
type Told = (detail: unknown) => void;

const FIELDS: Record<string, string> = { nickname: "name", avatar: "avatar_url" };
const SETTABLE = /^user:(email|nickname|phone|avatar|company)$|^session:data$/;
const DEEDS = /^(?:chat:(open|close|toggle|show|hide)|session:(reset))$/;

/** Their events, and whose messages they are about. */
const EVENTS: Record<string, [event: keyof Events, author?: string]> = {
  "session:loaded": ["ready"],
  "chat:opened": ["open"],
  "chat:closed": ["close"],
  "message:received": ["message", "agent"],
  "message:sent": ["message", "visitor"],
};

/** `run` is `hullo`'s own commands, and `say`. */
export function createPushed(run: Run): Pushed {
  /** Set since the last identify. It waits for the end of the task, or each set would be a call of its own. */
  let gathered: Identity | undefined;
  /** Who the visitor is: later sets are about them, and nothing without it. */
  let known: Identity = {};
  /** What was registered in place of a page's listener, by the event's name. */
  const heard = new Map<string, Map<unknown, Told>>();

  function flush(): void {
    const identity = { ...known, ...gathered };
    if (!gathered || !(identity.email || identity.external_id)) return;
    gathered = undefined;
    run("identify", identity);
  }

  function set(what: string, value: unknown): void {
    if (!SETTABLE.test(what)) return complain(`there is no "${what}"`);
    gathered ??= {};
    queueMicrotask(flush);
    if (what === "session:data") {
      gathered.custom_data = { ...gathered.custom_data, ...pairs(value) };
      return;
    }
    const name = what.slice("user:".length);
    const [first, signature] = [value].flat() as unknown[];
    gathered[FIELDS[name] ?? name] = first;
    if (name !== "email") return;
    // Another address is another visitor: nothing that is known of the one before goes with it.
    if (known.email && known.email !== first) known = {};
    if (signature) gathered.user_hash = signature as string;
  }

  function act(what: string, value: unknown): void {
    const [, chat, session] = DEEDS.exec(what) ?? [];
    const [kind, text] = [value].flat();
    if (what === "message:send" && kind === "text") run("say", text);
    else if (chat ?? session) run((chat ?? session)!);
    else complain(`there is no "${what}"`);
  }

  function listen(verb: string, name: string, listener: unknown): void {
    const [event, author] = EVENTS[name] ?? [name];
    if (!author || typeof listener !== "function") return void run(verb, event, listener);
    const those = heard.get(name) ?? new Map<unknown, Told>();
    const instead =
      those.get(listener) ??
      ((detail: unknown) => {
        if ((detail as Events["message"]).author === author) (listener as Told)(detail);
      });
    heard.set(name, those.set(listener, instead));
    run(verb, event, instead);
  }

  return {
    take(pushed) {
      if (typeof pushed === "function") return pushed() as void;
      const [verb, what, value, ...rest] = [pushed].flat() as string[];
      if (verb === "set") set(String(what), value);
      else if (verb === "do") act(String(what), value);
      else if (verb === "on" || verb === "off") listen(verb, String(what), value);
      else run(String(verb), what, value, ...rest);
    },
    flush,
    remember({ external_id, email, user_hash }) {
      if (external_id || email) known = { external_id, email, user_hash } as Identity;
    },
    forget() {
      known = {};
      gathered = undefined;
    },
  };
}

/** `["plan", "pro"]`, several of them, several of them in a list, or an object. */
function pairs(value: unknown): Record<string, Scalar> {
  if (!Array.isArray(value)) return value as Record<string, Scalar>;
  const list = typeof value[0] === "string" ? [value] : Array.isArray(value[0]?.[0]) ? value[0] : value;
  return Object.fromEntries(list as [string, Scalar][]);
}
