/** Where the halves of the SDK meet: what the page asks of the client, and what the panel is handed. */

import type { Events, Identity, IdentifyAnswer } from "./hullo";

/** What a page sets, by `init`, attributes of the script, or a preset object. */
export interface Options {
  appKey: string;
  /** Where hullo answers, with its prefix: `https://chat.example.com/hullo`. */
  host: string;
  /** More domains that links take the identity to, beside those that the app lists. Origins, `https://*.example.com` too. */
  domains: readonly string[];
  /** Whether the page says that the visitor agrees to be remembered. */
  consent?: boolean;
}

/** A refusal, by the code of the wire protocol; `offline` where nobody answered. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    detail: string,
    readonly status = 0,
    /** Seconds after which it is worth trying again. */
    readonly retryAfter?: number,
  ) {
    super(detail);
  }
}

/** What our own parts hear, too: nothing that was known of the visitor holds any more, and, if `whole`, nothing that the
 * page has said of them either. At once, while `reset` waits until the next visitor is known. */
export interface OwnEvents extends Events {
  forgotten: { readonly whole: boolean };
}

export interface Client {
  /** Connects, once there are options; redeems `hop` before anything else. Called once. */
  start(options: Options, hop: string | undefined): void;
  /** May be called before `start`: waits for it. */
  identify(identity: Identity | null): Promise<IdentifyAnswer>;
  reset(): Promise<void>;
  /** A token for the address of another site; `to` is its origin. Rejects with `Refused("conflict")` for an anonymous visitor. */
  identityToken(to?: string): Promise<{ token: string; parameter: string; expiresAt: number }>;
  /** Whether there is an identity to take anywhere. */
  readonly identified: boolean;
  /** Origins that links take the identity to; empty before the first join. */
  readonly domains: readonly string[];
  readonly chat: Chat;
  watch<K extends keyof OwnEvents>(event: K, listener: (detail: OwnEvents[K]) => void): void;
}

/** One message, as the panel draws it. */
export interface Line {
  /** Stable from the moment it is written: its `client_id`, or the id of an agent's message. */
  readonly key: string;
  readonly author: "visitor" | "agent";
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** `queued`: offline, sent by itself later. `failed`: refused; `retry` tries once more. */
  readonly state: "sent" | "sending" | "queued" | "failed";
}

/** The visitor's one thread: the newest open conversation, or the one that the first message begins. */
export interface Chat {
  readonly lines: readonly Line[];
  readonly online: boolean;
  readonly history: "unloaded" | "loading" | "loaded" | "failed";
  readonly emailPrompt: boolean;
  /** Nothing is stored of the visitor, and nothing can be said, before they agree. */
  readonly consentNeeded: boolean;
  readonly unread: number;
  readonly longest: number;
  /** The app's name, for the heading. */
  readonly name: string;
  /** Null or absent where nobody is known yet. Another one after a reset or a switch: a draft is not theirs. */
  readonly visitorId: string | null | undefined;
  send(text: string): void;
  retry(key: string): void;
  /** Loads the history, or loads it again after it failed. */
  load(): void;
  /** The visitor has seen what there is. */
  read(): void;
  /** The visitor leaves an email. Rejects with `Refused`, whose message is for people. */
  leaveEmail(email: string): Promise<void>;
  agree(): Promise<void>;
  /** Called after every change of any of the above; gives what ends it. */
  onChange(listener: () => void): () => void;
}

/** What the panel's file offers to the launcher, under `Symbol.for("hullo.panel")` on `window`. */
export interface PanelFile {
  mount(host: PanelHost): Panel;
}

export interface PanelHost {
  /** Where the launcher is already: the panel adds its own element and its style sheet. */
  readonly shadow: ShadowRoot;
  readonly chat: Chat;
  /** BCP 47, from `init({locale})`, else the page's. */
  readonly locale: string;
  /** Makes a link take the identity along, where it leads to a listed domain. */
  hop(link: HTMLAnchorElement): void;
  /** Asks the launcher to close the panel (it moves the focus back to itself). */
  close(): void;
}

export interface Panel {
  /** Shown, with the focus in it. */
  open(): void;
  close(): void;
}
