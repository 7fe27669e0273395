/** Asks whether the visitor may be remembered, where the site has to: nothing can be written before. */

import { make, makeButton, mark, write } from "./elements";
import { wordsOf } from "./refusals";
import type { Setting } from "./setting";

export interface Consent {
  readonly element: HTMLElement;
  focus(): void;
}

export function createConsent({ chat, texts }: Setting): Consent {
  const ask = make("p", "", texts.askConsent);
  ask.id = "consent";
  const refusal = make("p", "refusal");
  mark(refusal, "role", "alert");
  const agree = makeButton("primary", () => void agreed(), texts.agree);
  mark(agree, "aria-describedby", ask.id);

  async function agreed(): Promise<void> {
    if (agree.hasAttribute("aria-disabled")) return;
    mark(agree, "aria-disabled", true);
    write(refusal, "");
    try {
      await chat.agree();
    } catch (failure) {
      write(refusal, wordsOf(failure, texts));
    } finally {
      mark(agree, "aria-disabled", false);
    }
  }

  return { element: make("div", "consent", ask, agree, refusal), focus: () => agree.focus() };
}
