/** Between the chat and the client: what each of them tells the other. */

import type { Chat } from "../contract";
import type { Http } from "./http";
import type { Line } from "./line";
import type { Vault } from "./vault";
import type { Frame, Joined, Said } from "./wire";

/** What the chat tells, and what it leaves to others. */
export interface Talk extends Pick<Chat, "leaveEmail" | "agree"> {
  message(said: Said): void;
  unread(count: number): void;
}

/** The chat, and what the line tells it. */
export interface ChatModel {
  readonly chat: Chat;
  begin(line: Line, http: Http, vault: Vault): void;
  /** `resumed`: what was missed follows in messages of its own. */
  joined(answer: Joined, resumed: boolean): void;
  identified(): void;
  heard(frame: Frame): void;
  poll(): Promise<void>;
  lost(): void;
  /** All of it goes. */
  clear(): void;
  /** From where to ask for what was missed. */
  after(): string | undefined;
}
