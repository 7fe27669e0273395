/** One message. It is drawn again as often as something changes, in the same elements. */

import type { Line } from "../contract";
import { make, makeButton, mark, write } from "./elements";
import { linked } from "./links";
import type { Setting } from "./setting";

export interface LineView {
  readonly element: HTMLElement;
  /** Whether it is the first, and the last, of those that one author wrote in a row. */
  draw(line: Line, first: boolean, last: boolean): void;
}

let made = 0;

export function createLine({ author, text, key }: Line, setting: Setting): LineView {
  const { chat, dates, texts, host } = setting;
  const bubble = make("p", "bubble", ...linked(text, host.hop));
  bubble.dir = "auto";
  bubble.id = `line-${(made += 1)}`;
  const time = make("time");
  const state = make("span", "state");
  const again = makeButton(
    "again",
    () => {
      setting.focus(); // the button goes
      chat.retry(key);
    },
    texts.again,
  );
  mark(again, "aria-describedby", bubble.id);
  const about = make("p", "about", time, state);
  const heard = make("span", "unseen", `${author === "visitor" ? texts.you : texts.agent}: `);
  const element = make("div", "", heard, bubble, about);
  let at: number;

  return {
    element,
    draw(line, first, last) {
      const name = `line ${author} ${line.state}${first ? " first" : ""}${last ? " last" : ""}`;
      if (element.className === name && at === line.at) return;
      element.className = name;
      at = line.at;
      time.dateTime = new Date(at).toISOString();
      write(time, dates.time(at));
      write(state, line.state === "sent" ? "" : texts[line.state]);
      if (line.state !== "failed") again.remove();
      else if (!again.isConnected) about.append(again);
    },
  };
}
