/** Says that the visitor is offline, and what comes of what they write. */

import { make, mark, write } from "./elements";
import type { Setting } from "./setting";

export interface OfflineBar {
  readonly element: HTMLElement;
  draw(): void;
}

/** A connection that is made again sooner was never gone, as far as the visitor is concerned. */
const PATIENCE = 2_000;

export function createOfflineBar({ chat, texts }: Setting): OfflineBar {
  const element = make("p", "offline");
  mark(element, "role", "status");
  let waiting = 0;

  function say(): void {
    waiting = 0;
    write(element, chat.online ? "" : texts.offline);
  }

  return {
    element,
    draw() {
      if (!chat.online && navigator.onLine) {
        waiting ||= setTimeout(say, PATIENCE);
        return;
      }
      clearTimeout(waiting);
      say();
    },
  };
}
