/** The button in the corner, and when the panel stands open. */

import type { Client, Panel } from "../contract";
import { complain } from "./complaints";
import type { Announcer } from "./events";
import style from "./launcher.css";
import { loadPanel } from "./panel_file";

const SVG = "http://www.w3.org/2000/svg";
// Drawn with a stroke as wide as their corners are round.
const CHAT = "M5 5h14v10H10l-5 4Z";
const SHUT = "m6 9 6 6 6-6-6 6Z";

export interface Launcher {
  /** Puts it on the page. What was asked for beforehand happens then. */
  begin(place: Place): void;
  open(): void;
  close(): void;
  toggle(): void;
  show(): void;
  hide(): void;
}

export interface Place {
  readonly host: string;
  readonly locale: string;
  /** For the panel's script, on pages whose policy asks for one. */
  readonly nonce: string;
}

export function createLauncher(client: Client, events: Announcer): Launcher {
  const element = document.createElement("hullo-widget");
  const shadow = element.attachShadow({ mode: "open" });
  const button = make("button", { class: "launcher", type: "button", "aria-haspopup": "dialog" });
  const badge = make("span", { class: "badge", "aria-hidden": "true" });
  const said = make("span", { class: "said", role: "status" });
  const line = make("path", {}, SVG);
  const icon = make("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, SVG);
  let place: Place | undefined;
  let panel: Panel | undefined;
  let wanted = false;
  let unread = 0;

  function open(): void {
    if (wanted) return;
    wanted = true;
    if (panel) unfold(panel);
    else if (place) void load(place);
  }

  function close(): void {
    if (!wanted) return;
    wanted = false;
    if (!panel) return;
    const within = shadow.activeElement;
    panel.close();
    draw();
    if (within) button.focus();
    events.tell("close", {});
  }

  async function load({ host, locale, nonce }: Place): Promise<void> {
    button.setAttribute("aria-busy", "true");
    try {
      const file = await loadPanel(host, nonce);
      panel ??= file.mount({ shadow, chat: client.chat, locale, hop: besideTheChat, close });
      if (wanted) unfold(panel);
    } catch (failure) {
      wanted = false;
      const detail = `no chat: ${failure}`;
      complain(detail);
      events.tell("error", { code: "panel_unavailable", detail });
    }
    button.removeAttribute("aria-busy");
  }

  function unfold(panel: Panel): void {
    panel.open();
    draw();
    events.tell("open", {});
  }

  function draw(): void {
    const isOpen = wanted && panel !== undefined;
    const waiting = isOpen ? 0 : unread;
    const news = `${waiting} new message${waiting > 1 ? "s" : ""}`;
    line.setAttribute("d", isOpen ? SHUT : CHAT);
    button.setAttribute("aria-expanded", String(isOpen));
    button.setAttribute("aria-label", isOpen ? "Close chat" : waiting ? `Open chat, ${news}` : "Open chat");
    badge.hidden = !waiting;
    badge.textContent = waiting > 9 ? "9+" : String(waiting);
    said.textContent = waiting ? news : "";
  }

  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style);
  shadow.adoptedStyleSheets = [sheet];
  icon.append(line);
  button.append(icon, badge);
  shadow.append(button, said);
  draw();

  const toggle = () => (wanted ? close() : open());
  button.onclick = toggle;
  client.watch("unread", ({ count }) => {
    unread = count;
    draw();
  });

  return {
    begin(given) {
      place = given;
      // There may be no body yet, and pages replace it, or all that is in it, when they go from one view to the next.
      const attach = () => {
        const { documentElement, body } = document;
        if (!element.isConnected) body?.append(element);
        for (const each of [documentElement, body]) if (each) seen.observe(each, { childList: true });
      };
      const seen = new MutationObserver(attach);
      attach();
      if (wanted) void load(place);
    },
    open,
    close,
    toggle,
    show() {
      button.hidden = false;
    },
    hide() {
      close();
      button.hidden = true;
    },
  };
}

/** The document hears of links in the chat as of its own, as its shadow root is open. They leave the chat where it is. */
function besideTheChat(link: HTMLAnchorElement): void {
  link.target = "_blank";
  link.rel = "noopener";
}

function make<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: object): HTMLElementTagNameMap[K];
function make(tag: string, attributes: object, namespace: string): Element;
function make(tag: string, attributes: object, namespace = document.documentElement.namespaceURI): Element {
  const element = document.createElementNS(namespace, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value as string);
  return element;
}
