/** Asks an anonymous visitor for their email, once they have written something, and never twice on a page. */

import { make, makeButton, mark, write } from "./elements";
import type { Setting } from "./setting";
import { wordsOf } from "./refusals";

export interface EmailPrompt {
  readonly element: HTMLElement;
  draw(): void;
  /** What was written or refused was another visitor's. */
  forget(): void;
}

export function createEmailPrompt({ chat, texts, focus }: Setting): EmailPrompt {
  let skipped = false;
  let busy = false;
  const ask = make("p", "ask");
  mark(ask, "role", "status");
  const field = make("input");
  field.type = "email";
  field.name = "email";
  field.autocomplete = "email";
  field.inputMode = "email";
  field.dir = "ltr";
  field.spellcheck = false;
  field.id = "email";
  field.placeholder = "name@example.com";
  const label = make("label", "", texts.email);
  label.htmlFor = "email";
  const refusal = make("p", "refusal");
  refusal.id = "email-refusal";
  refusal.dir = "auto";
  const save = make("button", "primary", texts.leave);
  const skip = makeButton(
    "plain",
    () => {
      skipped = true;
      draw();
    },
    texts.skip,
  );
  const form = make("form", "", label, make("div", "row", field, save), refusal, skip);
  form.noValidate = true; // a browser refuses addresses that are good ones, and says so in its own language
  form.onsubmit = (event) => {
    event.preventDefault();
    if (!busy) void leave(field.value.trim());
  };
  const element = make("div", "email", ask, form);

  function refuse(words: string): void {
    write(refusal, words);
    mark(field, "aria-invalid", !!words);
    mark(field, "aria-describedby", words && refusal.id);
    if (words) field.focus();
  }

  async function leave(email: string): Promise<void> {
    if (!/^\S+@\S+$/.test(email)) return refuse(texts.notEmail);
    wait(true);
    refuse("");
    try {
      await chat.leaveEmail(email);
    } catch (failure) {
      refuse(wordsOf(failure, texts));
    } finally {
      wait(false);
      draw();
    }
  }

  function wait(now: boolean): void {
    busy = now;
    mark(save, "aria-disabled", busy);
    mark(form, "aria-busy", busy);
  }

  function draw(): void {
    const wanted = chat.emailPrompt && !skipped && chat.lines.some(({ author }) => author === "visitor");
    if (!wanted && form.contains((form.getRootNode() as ShadowRoot).activeElement)) focus();
    element.className = wanted ? "email asking" : "email";
    form.hidden = !wanted;
    write(ask, wanted ? texts.askEmail : "");
  }

  return {
    element,
    draw,
    forget() {
      field.value = "";
      skipped = false;
      refuse("");
    },
  };
}
