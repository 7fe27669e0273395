/** Links to the site's other domains take the visitor's identity along, from the moment of the click and no longer. */

import type { Client } from "../contract";
import { withParameter } from "./address";
import { listed } from "./domains";
import { createTokens, type HopToken } from "./tokens";

type Link = HTMLAnchorElement | HTMLAreaElement;

/** How long a click waits for a token that nobody asked for before. */
const PATIENCE = 1_500;
/** Firefox reads the link once more in a task after the click. */
const HANDED_OVER = 50;
/** How long a menu may stand open. */
const MENU = 5_000;

/** `name`: how the site calls the parameter, if it does; asked for at each click, as `init` may come late. */
export function watchLinks(client: Client, name: () => string | undefined): void {
  const tokens = createTokens(client);
  /** Puts the link that has a token in its address back as it was. */
  let restore: (() => void) | undefined;
  let last: ((event: Event) => void) | undefined;

  /** The link's address, if the identity may go there. */
  function destination(link: Link): URL | undefined {
    return link.hasAttribute("download") ? undefined : listed(link.href, client.domains);
  }

  /** The link that an event is about, in whatever open shadow root. */
  function meant(event: Event): { link: Link; url: URL } | undefined {
    const link = client.identified ? event.composedPath().find(isLink) : undefined;
    const url = link && destination(link);
    return url && { link, url };
  }

  function foresee(event: Event): void {
    const found = meant(event);
    if (found) void tokens.prepare(found.url.origin);
  }

  /**
   * Last of all that listen, the link gets its token: no script of the page finds it there. One that stops the event
   * would keep it from being the last, so that it happens then.
   */
  function begin(event: MouseEvent): void {
    if (!opens(event)) return; // a menu stays open when its button is let go
    restore?.();
    if (last) removeEventListener(event.type, last);
    const link = meant(event)?.link;
    if (!link) return;
    let over = false;
    const go = (stopped: boolean) => {
      if (!over && !event.defaultPrevented) follow(event, link, stopped);
      over = true;
    };
    for (const stop of ["stopPropagation", "stopImmediatePropagation"] as const) {
      event[stop] = () => {
        go(true);
        Event.prototype[stop].call(event);
      };
    }
    last = (heard) => heard === event && go(false);
    addEventListener(event.type, last, { once: true });
  }

  function follow(event: MouseEvent, link: Link, stopped: boolean): void {
    const url = destination(link); // the page may have written another meanwhile
    if (!url) return;
    const menu = event.type === "contextmenu";
    // Whoever counts clicks is told the whole address of a link: one with a ping itself leads nowhere, then.
    const token = !link.ping && tokens.take(url.origin);
    if (token) lend(link, token, menu);
    else if (!menu && !stopped) void followLater(event, link, url);
  }

  /** The browser takes address and policy at once; what the page sees afterwards is what it wrote. */
  function lend(link: Link, token: HopToken, menu: boolean): void {
    const { referrerPolicy } = link;
    const href = link.getAttribute("href")!;
    take(link, token);
    const lent = link.href;
    const timer = setTimeout(() => restore?.(), menu ? MENU : HANDED_OVER);
    restore = () => {
      restore = undefined;
      clearTimeout(timer);
      if (link.href === lent) link.setAttribute("href", href); // else the page wrote another since
      link.referrerPolicy = referrerPolicy;
    };
    if (!menu) return;
    // Of a menu a page is told nothing, but that something else happens.
    for (const type of ["pointermove", "keydown", "blur"]) {
      addEventListener(type, () => restore?.(), { capture: true, once: true });
    }
  }

  /** With the token or without it: the visitor gets where they wanted to go. */
  async function followLater(event: MouseEvent, link: Link, { origin }: URL): Promise<void> {
    event.preventDefault();
    const away = document.createElement("a"); // nobody listens to this one
    for (const name of ["href", "target", "rel", "referrerPolicy"] as const) away[name] = link[name];
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey) away.target = "_blank";
    await Promise.race([tokens.prepare(origin), new Promise((done) => setTimeout(done, PATIENCE))]);
    const token = tokens.take(origin);
    if (token) take(away, token);
    away.click();
  }

  function take(link: Link, { token, parameter }: HopToken): void {
    link.href = withParameter(link.href, name() ?? parameter, token);
    link.referrerPolicy = "no-referrer";
  }

  for (const type of ["pointerover", "pointerdown", "focusin"]) {
    addEventListener(type, foresee, true);
  }
  for (const type of ["click", "auxclick", "contextmenu"] as const) addEventListener(type, begin, true);
  // A token takes along whoever the visitor was when it was made.
  client.watch("identified", tokens.clear);
  client.watch("forgotten", tokens.clear);
}

function isLink(target: EventTarget): target is Link {
  return target instanceof Element && target.matches("a[href],area[href]");
}

/** Whether it may lead somewhere: `auxclick` is any button but the first, and Alt downloads. */
function opens({ type, altKey, button }: MouseEvent): boolean {
  return type === "contextmenu" || (!altKey && button === (type === "auxclick" ? 1 : 0));
}
