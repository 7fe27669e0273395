/** What stands above the messages, or instead of them: they are being loaded, they could not be, there are none yet. */

import { make, makeButton, mark, write } from "./elements";
import type { Setting } from "./setting";

export interface Notice {
  readonly element: HTMLElement;
  draw(): void;
}

export function createNotice({ chat, texts, focus }: Setting): Notice {
  const said = make("p", "state");
  mark(said, "role", "status");
  const more = make("p", "more", texts.invitation);
  const again = makeButton(
    "plain",
    () => {
      focus(); // the button goes
      chat.load();
    },
    texts.again,
  );
  const element = make("div", "", said, more, again);

  return {
    element,
    draw() {
      const { history, lines, consentNeeded } = chat;
      const ready = history === "loaded" || consentNeeded;
      const kind = history === "failed" ? "failed" : lines.length ? "none" : ready ? "empty" : "loading";
      element.className = `notice ${kind}`;
      more.hidden = kind !== "empty";
      again.hidden = kind !== "failed";
      write(said, { failed: texts.notLoaded, none: "", empty: texts.greeting, loading: texts.loading }[kind]);
    },
  };
}
