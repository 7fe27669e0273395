/** What the server answers, as far as the client reads it. */

import type { IdentifyAnswer } from "../hullo";

export interface Conversation {
  id: string;
  status?: string;
  last_message_at: string;
  unread?: boolean;
}

export interface Message {
  id: string;
  author: "visitor" | "agent";
  text: string;
  created_at: string;
  client_id?: string;
}

export interface Said extends Message {
  conversation_id: string;
}

export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface Identified extends IdentifyAnswer {
  /** Of the session to go on with, where it is another than before. */
  session_token?: string | null;
}

/** The answer to join and reset. Without a `visitor_id` nothing is stored: the visitor has to agree first. */
export interface Joined {
  visitor_id: string | null;
  /** Null beside a `visitor_id`: it is in a cookie that no script can read. */
  session_token: string | null;
  identified: boolean;
  standing: IdentifyAnswer["standing"];
  email_prompt: boolean;
  conversations: Conversation[];
  settings: { message_length: number; consent: "none" | "required"; name?: string; domains?: string[] };
  identify?: Identified;
}

export interface Frame {
  type: string;
  ref?: string;
  [field: string]: unknown;
}

/** An `error` frame, and a problem document. */
export interface Problem {
  code: string;
  detail: string;
  retry_after?: number;
}
