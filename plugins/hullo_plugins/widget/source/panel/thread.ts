/** The messages, day by day, and what stands there while there are none. */

import type { Line } from "../contract";
import { midnight } from "./dates";
import { arrange, make, makeButton, mark, write } from "./elements";
import { icon } from "./icons";
import { createLine, type LineView } from "./line";
import { createNotice } from "./notice";
import { createPlace } from "./place";
import type { Setting } from "./setting";

export interface Thread {
  readonly element: HTMLElement;
  /** Whether the newest line is in view. */
  readonly atEnd: boolean;
  /** Quietly: what is new was there before, and no screen reader reads it out. */
  draw(quietly: boolean): void;
  toEnd(): void;
}

/** Messages that one author wrote within this time stand together. */
const TOGETHER = 5 * 60_000;

/** `after` stands below the messages and scrolls with them. `moved`: the reader came to the end, or left it. */
export function createThread(setting: Setting, after: HTMLElement, moved: () => void): Thread {
  const { chat, dates, texts } = setting;
  const views = new Map<string, LineView>();
  const days = new Map<number, HTMLElement>();
  const notice = createNotice(setting);
  const log = make("div", "log");
  mark(log, "role", "log");
  mark(log, "aria-label", texts.messages);
  const scroller = make("div", "scroller", make("div", "content", notice.element, log, after));
  scroller.tabIndex = 0; // or it could not be scrolled without a mouse
  mark(scroller, "role", "group");
  mark(scroller, "aria-label", texts.messages);
  const newer = makeButton("newer", toNewest, icon("down"), texts.newer);
  const element = make("div", "thread", scroller, newer);
  const place = createPlace(scroller, log, () => {
    if (place.atEnd) newer.hidden = true;
    moved();
  });
  newer.hidden = true;
  let loaded = false;

  function toNewest(): void {
    scroller.focus(); // the button goes
    place.toEnd();
  }

  function dayOf(at: number): HTMLElement {
    const day = midnight(at);
    const element = days.get(day) ?? make("p", "day");
    days.set(day, element);
    write(element, dates.day(at));
    return element;
  }

  /** The elements of all lines; new ones are added to `born`. */
  function drawn(lines: readonly Line[], born: Line[]): HTMLElement[] {
    return lines.flatMap((line, index) => {
      const before = lines[index - 1];
      let view = views.get(line.key);
      if (!view) {
        views.set(line.key, (view = createLine(line, setting)));
        born.push(line);
      }
      view.draw(line, !together(before, line), !together(line, lines[index + 1]));
      return sameDay(before, line) ? [view.element] : [dayOf(line.at), view.element];
    });
  }

  function forget(lines: readonly Line[]): void {
    const keys = new Set(lines.map(({ key }) => key));
    for (const key of views.keys()) if (!keys.has(key)) views.delete(key);
    const present = new Set(lines.map(({ at }) => midnight(at)));
    for (const day of days.keys()) if (!present.has(day)) days.delete(day);
  }

  return {
    element,
    get atEnd() {
      return place.atEnd;
    },
    toEnd: place.toEnd,
    draw(quietly) {
      const { lines, history } = chat;
      const born: Line[] = [];
      const quiet = quietly || !loaded;
      mark(log, "aria-live", quiet ? "off" : "polite");
      place.keep(() => {
        notice.draw();
        arrange(log, drawn(lines, born));
      });
      forget(lines);
      loaded = history === "loaded";
      // Whoever has just written wants to see it; what was written in another tab comes as sent.
      if (born.some(({ author, state }) => author === "visitor" && state !== "sent")) place.toEnd();
      else if (!place.atEnd && !quiet && born.some(({ author }) => author === "agent")) newer.hidden = false;
    },
  };
}

function sameDay(one: Line | undefined, other: Line): boolean {
  return one !== undefined && midnight(one.at) === midnight(other.at);
}

function together(one: Line | undefined, other: Line | undefined): boolean {
  return !!one && !!other && one.author === other.author && other.at - one.at < TOGETHER && sameDay(one, other);
}
