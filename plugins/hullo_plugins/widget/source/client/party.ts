/** Whom a line is for, and what it asks and tells them. */

import type { Refused } from "../contract";
import type { Frame, Joined } from "./wire";

export interface Party {
  /** What has to be done before a join. Rejects with `Refused`. */
  prepare(): Promise<void>;
  /** How the next join says who it is. */
  hello(): object;
  /** Whether the session is in a cookie, which no socket can set. */
  byCookie(): boolean;
  joined(answer: Joined): void;
  heard(frame: Frame): void;
  /** Where nothing is heard by itself: asks what is new, as often as it is worth it. Rejects with `Refused`. */
  poll(): Promise<void>;
  lost(): void;
  /** The session is no longer good. */
  over(): void;
  /** This page can never join. */
  refused(refusal: Refused): void;
}
