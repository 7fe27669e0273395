/** The public types of hullo's browser SDK. */

export type Scalar = string | number | boolean | null;

/** Who the visitor is: `POST /v1/identify`. At least `external_id`, `email`, `token` or `identity_token`; none of them
 * where the session knows who it is. */
export interface Identity {
  external_id?: string | number;
  email?: string;
  name?: string | null;
  company?: string | null;
  phone?: string | null;
  avatar_url?: string | null;
  user_hash?: string;
  /** Proves the email beside an id that `user_hash` proves. */
  email_hash?: string;
  token?: string;
  identity_token?: string;
  custom_data?: Record<string, Scalar>;
  strict?: boolean;
  /** `prompt`: the visitor typed it into a form of the page, and goes on as the user who logs in later. */
  source?: "page" | "prompt";
  [attribute: string]: unknown;
}

export interface IdentifyAnswer {
  visitor_id: string | null;
  identified: boolean;
  standing: "claimed" | "proven" | null;
  switched: boolean;
  linked_conversations: number;
  rejected: { field: string; reason: string }[];
  request_id: string;
  contact_id?: string;
  matched_by?: string;
  written?: string[];
  kept?: { field: string; reason: string }[];
  noted?: string[];
}

/** What the SDK tells of, by name. */
export interface Events {
  /** Joined for the first time: calls are answered. Who listens later is told at once. */
  ready: { visitor_id: string | null; identified: boolean };
  identified: IdentifyAnswer;
  reset: { visitor_id: string | null };
  /** The chat was opened, and closed. */
  open: Record<string, never>;
  close: Record<string, never>;
  message: { id: string; conversation_id: string; author: "visitor" | "agent"; text: string; created_at: string };
  /** How many messages of agents nobody has read. */
  unread: { count: number };
  /** A proof is needed, or has expired: identify again with a new one. */
  "identity-required": { code: string };
  error: { code: string; detail: string };
}

export type Listener<K extends keyof Events> = (detail: Events[K]) => void;

/** What `init` takes. An app key is needed, by one of its names; the rest may be left out. */
export interface InitOptions {
  appKey?: string;
  siteId?: string;
  app_id?: string;
  app_key?: string;
  /** Where hullo answers, with its prefix: `https://chat.example.com/hullo`. Left out: where the script came from. */
  host?: string;
  /** More origins that links take the identity to; `https://*.example.com` too. */
  domains?: string | readonly string[];
  /** The name of the parameter that carries an identity in a link. */
  hopParameter?: string;
  /** Whether the visitor agrees to be remembered. */
  consent?: boolean;
  /** The language of the chat (BCP 47). Left out: the page's. */
  locale?: string;
  /** False: no button; the page calls `open`. */
  launcher?: boolean;
}

/** Verbs as other chat widgets have them: `["set", "user:email", ["jane@example.com"]]`, `["do", "chat:open"]`. */
export type Pushed = readonly [verb: string, ...rest: unknown[]] | (() => void);

/** `Hullo`, or what `data-global` calls it. Promises reject with an `Error` that has a `code`. */
export interface HulloObject {
  init(options: InitOptions): void;
  /** `null`: no user is logged in on this page, and an earlier one's session ends. */
  identify(identity: Identity | null): Promise<IdentifyAnswer>;
  reset(): Promise<void>;
  /** A token that takes the identity to another site: `?hullo_identity=…`. For that origin, where one is given. */
  identityToken(to?: string): Promise<string>;
  /** The visitor agrees to be remembered, where the app asks for that. */
  agree(): Promise<void>;
  open(): void;
  close(): void;
  toggle(): void;
  show(): void;
  hide(): void;
  /** Gives what ends it. */
  on<K extends keyof Events>(event: K, listener: Listener<K>): () => void;
  /** Without a listener: all of that event. */
  off<K extends keyof Events>(event: K, listener?: Listener<K>): void;
  push(...pushed: Pushed[]): number;
}

/** `hullo`, or what `data-function` calls it. */
export interface HulloFunction {
  (verb: "init", options: InitOptions): void;
  (verb: "identify", identity: Identity | null): void;
  (verb: "reset" | "agree" | "open" | "close" | "toggle" | "show" | "hide"): void;
  <K extends keyof Events>(verb: "on", event: K, listener: Listener<K>): void;
  <K extends keyof Events>(verb: "off", event: K, listener?: Listener<K>): void;
  (verb: "identityToken", told: (token: string) => void): void;
}

declare global {
  interface Window {
    hullo?: HulloFunction;
    Hullo?: HulloObject;
  }
}
