/** What the visitor writes, until the server has it: in order, once, and not lost with the page. */

import { newId } from "./canonical";
import type { Http } from "./http";
import type { Line } from "./line";
import type { Entry } from "./thread";
import type { Vault } from "./vault";
import type { Conversation, Message, Said } from "./wire";

type Unsent = Pick<Entry, "key" | "text" | "at">;

/** Where it is shown. */
export interface Shown {
  lines: readonly Entry[];
}

export interface Thread {
  /** The conversation that it is for; undefined where the first message begins one. */
  current(): string | undefined;
  /** That conversation is no more. */
  gone(id: string): void;
  said(said: Said): void;
  changed(): void;
}

export interface Sending {
  begin(line: Line, http: Http, vault: Vault): void;
  send(text: string): void;
  retry(key: string): void;
  /** Calls are answered, or no longer. */
  up(): void;
  down(): void;
  clear(): void;
}

export function createSending(shown: Shown, thread: Thread): Sending {
  let line: Line | undefined;
  let http: Http;
  let vault: Vault | undefined;
  /** Not before it is known who writes. */
  let asking = false;

  function send(text: string): void {
    if (text.trim()) put({ key: newId(), text, at: Date.now() });
  }

  function put({ key, text, at }: Unsent): void {
    const entry: Entry = { key, text, at, author: "visitor", state: line?.up ? "sending" : "queued" };
    shown.lines = [...shown.lines.filter((each) => each.key !== key), entry];
    keep(key, { key, text, at });
    if (asking) ask(entry);
    thread.changed();
  }

  function ask(unsent: Unsent): void {
    const { key, text } = unsent;
    const words = { text, client_id: key };
    let into: string | undefined;
    line?.ask({
      kind: "message",
      frame: () => ({ ...words, conversation_id: (into = thread.current()) }),
      async http() {
        into = thread.current();
        if (into) return { ...(await http<Message>(`conversations/${into}/messages`, words)), conversation_id: into };
        const { id, messages } = await http<Conversation & { messages: Message[] }>("conversations", words);
        return { ...messages[0], conversation_id: id };
      },
      done(said: Said) {
        keep(key);
        thread.said(said);
      },
      failed({ code }) {
        if (code === "not_found" && into) {
          thread.gone(into);
          return ask(unsent);
        }
        keep(key);
        mark("failed", (each) => each.key === key);
      },
    });
  }

  /** From page to page: what waits under that key, or that nothing does any more. */
  function keep(key: string, unsent?: Unsent): void {
    const others = vault?.part<Unsent[]>("outbox")?.filter((each) => each.key !== key) ?? [];
    const all = unsent ? [...others, unsent] : others;
    vault?.setPart("outbox", all[0] && all);
  }

  function mark(state: Entry["state"], which: (entry: Entry) => boolean): void {
    shown.lines = shown.lines.map((entry) => (!entry.id && which(entry) ? { ...entry, state } : entry));
    thread.changed();
  }

  return {
    begin(itsLine, itsHttp, itsVault) {
      [line, http, vault] = [itsLine, itsHttp, itsVault];
      for (const each of [...(vault.part<Unsent[]>("outbox") ?? []), ...shown.lines]) put(each);
    },
    send,
    retry(key) {
      const entry = shown.lines.find((each) => each.key === key && each.state === "failed");
      if (entry) put(entry);
    },
    up() {
      mark("sending", ({ state }) => state === "queued");
      if (asking) return;
      asking = true;
      shown.lines.filter(({ state }) => state === "sending").forEach(ask);
    },
    down: () => mark("queued", ({ state }) => state === "sending"),
    clear() {
      asking = false;
      vault?.setPart("outbox", undefined);
    },
  };
}
