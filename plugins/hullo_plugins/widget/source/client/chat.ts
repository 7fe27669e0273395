/** The visitor's one thread, as the panel shows it: what was said, and what of it is unread. */

import type { Chat } from "../contract";
import type { ChatModel, Talk } from "./chat_model";
import { offline, type Http } from "./http";
import type { Line } from "./line";
import { createSending } from "./sending";
import { anchor, unanswered, withSaid, type Entry } from "./thread";
import type { Conversation, Message, Page, Said } from "./wire";

const PAGES = 4;
/** For how long after the visitor did something the chat counts as used; and how often it is asked for news if not. */
const USED = 120_000;
const SELDOM = 30_000;

type State = { -readonly [K in keyof Omit<Chat, "lines">]: Chat[K] } & { lines: readonly Entry[] };

export function createChat(talk: Talk): ChatModel {
  const listeners = new Set<() => void>();
  let line: Line | undefined;
  let http: Http;
  let conversations = new Map<string, Conversation>();
  let current: string | undefined;
  /** Every message that is known, in whichever of the visitor's conversations, and its time. */
  let known = new Map<string, number>();
  let unread = new Set<string>();
  let joinedOnce = false;
  let usedAt = 0;
  let polledAt = 0;
  let visitor = 0;
  let loads = 0;

  const state: State = {
    lines: [],
    get online() {
      return !!line?.up;
    },
    history: "unloaded",
    emailPrompt: false,
    consentNeeded: false,
    visitorId: undefined,
    unread: 0,
    longest: 8_000,
    name: "",
    send(text) {
      usedAt = Date.now();
      sending.send(text);
    },
    retry: (key) => sending.retry(key),
    load,
    read,
    leaveEmail: talk.leaveEmail,
    agree: talk.agree,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };

  const sending = createSending(state, {
    current: () => current,
    gone(id) {
      conversations.delete(id);
      if (current === id) current = undefined;
    },
    said,
    changed,
  });

  function changed(): void {
    if (unread.size !== state.unread) talk.unread((state.unread = unread.size));
    for (const listener of [...listeners]) listener();
  }

  /** Something that was said just now, or was missed. */
  function said(said: Said): void {
    const { id, author, conversation_id, created_at } = said;
    const news = !known.has(id);
    const conversation = conversations.get(conversation_id) ?? { id: conversation_id, last_message_at: "" };
    if (created_at > conversation.last_message_at) {
      conversations.set(conversation_id, { ...conversation, status: "open", last_message_at: created_at });
    }
    choose(true);
    const shown = conversation_id === current;
    note([said], shown);
    if (news && shown && author === "agent") unread.add(id);
    if (news) talk.message({ id, conversation_id, author, text: said.text, created_at });
    changed();
  }

  function note(said: readonly Message[], shown: boolean): void {
    for (const { id, created_at } of said) known.set(id, Date.parse(created_at));
    if (shown) state.lines = withSaid(state.lines, said);
  }

  /** The newest of the open ones. If it has `begun` just now, and is the first, it is here from its beginning. */
  function choose(begun = false): void {
    const open = [...conversations.values()].filter(({ status }) => status === "open");
    const newest = open.sort((one, other) => (one.last_message_at > other.last_message_at ? -1 : 1))[0];
    if (!newest || newest.id === current) return;
    const whole = begun && !current;
    current = newest.id;
    if (whole) return;
    const shown = state.history !== "unloaded";
    state.lines = state.lines.filter(({ id }) => !id);
    state.history = "unloaded";
    unread = new Set();
    if (shown) load();
    if (newest.unread) countUnread(current).catch(later);
  }

  async function countUnread(id: string): Promise<void> {
    const mine = visitor;
    const { items } = await page(id);
    if (mine !== visitor || id !== current) return;
    note(items, true);
    for (const each of unanswered(items)) unread.add(each);
    changed();
  }

  /** What there is now. What is new in conversations that were there before is fetched, and told. */
  async function list(all: readonly Conversation[], fetched: boolean): Promise<void> {
    const [before, mine] = [conversations, visitor];
    conversations = new Map(all.map((each) => [each.id, each]));
    choose();
    for (const { id, last_message_at } of fetched ? all : []) {
      const since = before.get(id)?.last_message_at;
      if (!since || last_message_at <= since) continue;
      const { items } = await page(id);
      if (mine !== visitor) return;
      for (const each of items.reverse()) if (each.created_at >= since) said({ ...each, conversation_id: id });
    }
  }

  function page(id: string, cursor?: string | null): Promise<Page<Message>> {
    return http(`conversations/${id}/messages?limit=50${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
  }

  function load(): void {
    usedAt = Date.now();
    if (state.history === "loading") return;
    const mine = ++loads;
    const settled = (how: Chat["history"]) => {
      if (mine !== loads) return;
      state.history = how;
      changed();
    };
    settled("loading");
    loaded(mine).then(
      () => settled("loaded"),
      () => settled("failed"),
    );
  }

  async function loaded(mine: number): Promise<void> {
    if (!line) throw offline();
    await line.joined(true);
    const id = current;
    let cursor: string | null | undefined;
    for (let pages = 0; id && pages < PAGES && cursor !== null; pages++) {
      const { items, next } = await page(id, cursor);
      if (mine !== loads) return;
      note(items, true);
      cursor = next;
      changed();
    }
  }

  function read(): void {
    usedAt = Date.now();
    const id = current;
    if (!id || (!unread.size && !conversations.get(id)?.unread)) return;
    markRead(id);
    line?.ask({
      kind: "read",
      frame: () => ({ conversation_id: id }),
      http: () => http(`conversations/${id}/read`, {}),
      done: later,
      failed: later,
    });
  }

  function markRead(id: string): void {
    const conversation = conversations.get(id);
    if (conversation) conversation.unread = false;
    if (id === current) unread.clear();
    changed();
  }

  return {
    chat: state,
    begin(itsLine, itsHttp, vault) {
      [line, http] = [itsLine, itsHttp];
      sending.begin(line, http, vault);
    },
    joined({ conversations: all, email_prompt, visitor_id, settings }, resumed) {
      const again = state.history === "failed";
      list(all, joinedOnce && !resumed).catch(later);
      joinedOnce = true;
      ({ message_length: state.longest, name: state.name = "" } = settings);
      state.emailPrompt = email_prompt;
      state.visitorId = visitor_id;
      state.consentNeeded = settings.consent === "required" && !visitor_id;
      sending.up();
      if (again) load();
    },
    identified() {
      state.emailPrompt = false;
      changed();
    },
    heard(frame) {
      if (frame.type === "message") said(frame as unknown as Said);
      if (frame.type === "read") markRead(String(frame.conversation_id));
    },
    async poll() {
      const now = Date.now();
      if (now - usedAt > USED && now - polledAt < SELDOM) return;
      polledAt = now;
      const mine = visitor;
      const { items } = await http<Page<Conversation>>("conversations");
      if (mine !== visitor) return;
      for (const { id, unread } of items) if (unread === false) markRead(id);
      await list(items, true);
    },
    lost: sending.down,
    clear() {
      visitor++;
      loads++;
      conversations = new Map();
      known = new Map();
      unread = new Set();
      current = undefined;
      joinedOnce = false;
      state.lines = [];
      state.history = "unloaded";
      state.emailPrompt = false;
      state.visitorId = undefined;
      sending.clear();
      changed();
    },
    after: () => anchor(known),
  };
}

/** What could not be fetched or told now is when the line is joined next, or when the visitor asks for it. */
function later(): void {}
