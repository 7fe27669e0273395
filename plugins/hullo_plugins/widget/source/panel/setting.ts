/** What every part of the panel is given. */

import type { Chat, PanelHost } from "../contract";
import type { Dates } from "./dates";
import type { Texts } from "./texts";

export interface Setting {
  readonly host: PanelHost;
  readonly chat: Chat;
  readonly texts: Texts;
  readonly dates: Dates;
  /** BCP 47, for numbers. */
  readonly locale: string;
  /** To where the visitor goes on: for parts that are about to take away what has the focus. */
  focus(): void;
}
