/** The keyboard inside the panel: Escape leaves it, Tab stays in it where it covers the page, the page hears nothing. */

import { covers } from "./screen";

const STOPS = "a[href], button, input, textarea, [tabindex='0']";

export function watchKeys(panel: HTMLElement, close: () => void): void {
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !composing(event)) {
      event.preventDefault();
      close();
    } else if (event.key === "Tab" && covers()) {
      stay(panel, event);
    }
  });
  // A page takes the widget's element for the target, not a text field, and would run its shortcuts while someone types.
  for (const type of ["keydown", "keypress", "keyup"]) panel.addEventListener(type, (event) => event.stopPropagation());
}

/** Whether the key is an input method's, as Enter is that takes what it offers. Safari tells of the one that ends a
 * composition by its code alone. */
export function composing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}

function stay(panel: HTMLElement, event: KeyboardEvent): void {
  const stops = [...panel.querySelectorAll<HTMLElement>(STOPS)].filter((each) => each.getClientRects().length);
  const [leaving, entering] = event.shiftKey ? [stops[0], stops.at(-1)] : [stops.at(-1), stops[0]];
  if ((panel.getRootNode() as ShadowRoot).activeElement !== leaving) return;
  event.preventDefault();
  entering?.focus();
}
