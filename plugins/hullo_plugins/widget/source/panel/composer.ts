/** Where the visitor writes. A draft stays while the panel is closed, and nothing of it is ever cut. */

import { make, makeButton, mark, write } from "./elements";
import { icon } from "./icons";
import { composing } from "./keys";
import type { Setting } from "./setting";

export interface Composer {
  readonly element: HTMLElement;
  focus(): void;
  draw(): void;
  /** The draft was another visitor's. */
  forget(): void;
}

/** From this part of the limit on the visitor is told of it. */
const NEAR = 0.9;

export function createComposer({ chat, texts, locale }: Setting): Composer {
  const number = new Intl.NumberFormat(locale);
  const field = make("textarea");
  field.rows = 1;
  field.dir = "auto";
  field.placeholder = texts.write;
  mark(field, "aria-label", texts.write);
  mark(field, "enterkeyhint", "send");
  // It is as high as this copy of the text, which nobody sees: no script measures anything.
  const grown = make("div", "grown", field);
  const send = makeButton("send", submit, icon("send"));
  mark(send, "aria-label", texts.send);
  const count = make("span", "count");
  const refusal = make("span", "refusal");
  mark(refusal, "role", "status");
  count.id = "count";
  refusal.id = "refusal";
  mark(field, "aria-describedby", "count refusal");
  const element = make("div", "composer", make("div", "writing", grown, send), make("p", "limit", refusal, count));

  /** Characters as the server counts them: of two code units some are one. */
  function length(text: string): number {
    return text.length > chat.longest * NEAR ? [...text].length : text.length;
  }

  function draw(): void {
    const text = field.value.trim();
    const used = length(text);
    const over = used > chat.longest;
    grown.dataset.draft = field.value;
    mark(send, "aria-disabled", !text || over);
    mark(field, "aria-invalid", over);
    write(count, used > chat.longest * NEAR ? `${number.format(used)} / ${number.format(chat.longest)}` : "");
    write(refusal, over ? texts.tooLong.replace("#", number.format(chat.longest)) : "");
  }

  function submit(): void {
    const text = field.value.trim();
    field.focus();
    if (!text || length(text) > chat.longest) return;
    field.value = "";
    draw();
    chat.send(text);
  }

  field.oninput = draw;
  field.onkeydown = (event) => {
    if (event.key !== "Enter" || event.shiftKey || composing(event)) return;
    event.preventDefault();
    if (!event.repeat) submit();
  };

  return {
    element,
    draw,
    focus: () => field.focus(),
    forget() {
      field.value = "";
      draw();
    },
  };
}
