/** The chat itself, in a file of its own: loaded when it is opened for the first time, drawn in the launcher's shadow root. */

import type { Panel, PanelFile, PanelHost } from "../contract";
import { createComposer } from "./composer";
import lookStyle from "../page/look.css";
import composerStyle from "./composer.css";
import { createConsent } from "./consent";
import { datesOf } from "./dates";
import { make, makeButton, mark, write } from "./elements";
import { createEmailPrompt } from "./email";
import { icon } from "./icons";
import { watchKeys } from "./keys";
import { createOfflineBar } from "./offline";
import panelStyle from "./panel.css";
import { covers, followScreen } from "./screen";
import type { Setting } from "./setting";
import { languageOf } from "./texts";
import { createThread } from "./thread";
import threadStyle from "./thread.css";

function mount(host: PanelHost): Panel {
  const { chat, shadow } = host;
  const { texts, dir, locale } = languageOf(host.locale);
  const setting: Setting = { host, chat, texts, locale, dates: datesOf(locale), focus };
  const composer = createComposer(setting);
  const consent = createConsent(setting);
  const email = createEmailPrompt(setting);
  const thread = createThread(setting, email.element, look);
  const initial = make("span", "initial");
  mark(initial, "aria-hidden", "true");
  const heading = make("h2");
  heading.id = "heading";
  const shut = makeButton("close", host.close, icon("close"));
  mark(shut, "aria-label", texts.close);
  const offline = createOfflineBar(setting);
  const dialog = make(
    "div",
    "dialog",
    make("div", "header", initial, heading, shut),
    offline.element,
    thread.element,
    consent.element,
    composer.element,
  );
  mark(dialog, "role", "dialog");
  mark(dialog, "aria-labelledby", heading.id);
  dialog.dir = dir;
  dialog.lang = locale;
  // The place is the page's to say, left or right; the direction inside is that of the words.
  const panel = make("div", "panel", dialog);
  panel.hidden = true;

  let open = false;
  let drawing = 0;
  let asked = false;
  let seen: string | undefined;
  let visitor = chat.visitorId;

  function focus(): void {
    if (chat.consentNeeded) consent.focus();
    else composer.focus();
  }

  /** The newest line was seen, if it was: a page in the background shows nothing to anybody. */
  function look(): void {
    const newest = chat.lines.at(-1)?.key;
    if (!open || document.visibilityState !== "visible" || !thread.atEnd) return;
    if (!newest || !chat.unread || newest === seen) return;
    seen = newest;
    chat.read();
  }

  function draw(quietly: boolean): void {
    drawing = 0;
    if (visitor && chat.visitorId !== visitor) {
      composer.forget();
      email.forget();
    }
    visitor = chat.visitorId;
    const name = chat.name || texts.chat;
    write(heading, name);
    write(initial, [...name][0]!.toLocaleUpperCase(locale));
    offline.draw();
    thread.draw(quietly);
    email.draw();
    composer.draw();
    drawConsent();
    load();
    look();
  }

  function drawConsent(): void {
    const { consentNeeded } = chat;
    const [shown, gone] = consentNeeded ? [consent, composer] : [composer, consent];
    const within = gone.element.contains(shadow.activeElement);
    shown.element.hidden = false;
    gone.element.hidden = true;
    if (within) shown.focus();
  }

  /** Once for each time that there is nothing: who cannot load it is not asked at every change. */
  function load(): void {
    if (chat.history !== "unloaded") asked = false;
    else if (!asked && !chat.consentNeeded) {
      asked = true;
      chat.load();
    }
  }

  function cover(): void {
    mark(dialog, "aria-modal", covers());
  }

  chat.onChange(() => {
    if (open) drawing ||= requestAnimationFrame(() => draw(false));
  });
  document.addEventListener("visibilitychange", look);
  watchKeys(dialog, host.close);
  followScreen(panel, cover);
  cover();
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(lookStyle + panelStyle + threadStyle + composerStyle);
  shadow.adoptedStyleSheets = [...shadow.adoptedStyleSheets, sheet];
  shadow.append(panel);

  return {
    open() {
      open = true;
      asked = false;
      seen = undefined;
      panel.hidden = false;
      draw(true);
      thread.toEnd();
      focus();
    },
    close() {
      open = false;
      panel.hidden = true;
    },
  };
}

const file: PanelFile = { mount };
(window as unknown as Record<symbol, PanelFile>)[Symbol.for("hullo.panel")] = file;
