/** What a page can ask for, by name. What needs an app key waits in the client until there is one. */

import type { Client, Options } from "../contract";
import type { Events, Identity, InitOptions, Listener } from "../hullo";
import { complain, complainOf } from "./complaints";
import { domainsIn } from "./domains";
import type { Announcer } from "./events";
import { takeHop } from "./landing";
import type { Launcher } from "./launcher";
import { createPushed } from "./pushed";
import type { ScriptSettings } from "./script";

export interface Parts {
  readonly client: Client;
  readonly events: Announcer;
  readonly launcher: Launcher;
  readonly script: ScriptSettings;
  /** The token that the address had. */
  readonly hop: string | undefined;
}

declare global {
  interface Document {
    readonly prerendering?: boolean;
  }
}

const KEYLESS = "no data-app or init({appKey})";

type Verb = (...args: never[]) => unknown;

export interface Commands {
  /** `hullo("identify", {…})`: never throws, and nothing of it is left unhandled. */
  run(verb: string, ...args: unknown[]): unknown;
  /** What the page's object gets. */
  readonly methods: Readonly<Record<string, Verb>>;
  /** How the site calls the parameter of links, if it says so. */
  hopParameter(): string | undefined;
}

export function createCommands({ client, events, launcher, script, hop }: Parts): Commands {
  let options: Options | undefined;
  let parameter = script.hopParameter;

  function init(given: InitOptions = {}): void {
    const appKey = keyIn(given) ?? script.appKey;
    const host = (given.host ?? script.host)?.replace(/\/+$/, "");
    if (!appKey) return complain(KEYLESS);
    if (!host) return complain("no data-host or init({host})");
    if (options) {
      if (options.appKey !== appKey) complain(`the key is ${options.appKey} already`);
      return;
    }
    const domains = [...domainsIn(script.domains), ...domainsIn(given.domains)];
    const consent = given.consent ?? script.consent;
    parameter = given.hopParameter ?? parameter;
    options = { appKey, host, domains, ...(consent !== undefined && { consent }) };
    const start = client.start.bind(client, options, hop ?? takeHop(parameter));
    // A browser may render the page ahead of a click that never comes, and no token is spent then (T6).
    document.addEventListener("prerenderingchange", start);
    if (!document.prerendering) start();
    if (given.launcher === false) launcher.hide();
    const locale = given.locale ?? script.locale ?? (document.documentElement.lang || navigator.language);
    begin({ host, locale, nonce: script.nonce });
  }

  const { begin, ...doors } = launcher;
  const verbs: Record<string, Verb> = {
    init,
    /** `null`: no user is logged in on this page. Left out, it is a mistake. */
    async identify(identity: Identity | null = {}) {
      if (identity) pushed.remember(identity);
      else pushed.forget();
      return client.identify(identity);
    },
    reset: client.reset,
    /** The function form hands the token to a function; the object form gives a promise of it. */
    async identityToken(to?: string | ((token: string) => void)) {
      const told = typeof to === "function" && to;
      const { token } = await client.identityToken(told ? undefined : (to as string | undefined));
      if (told) told(token);
      return token;
    },
    agree: client.chat.agree,
    say: client.chat.send,
    ...doors,
    on<K extends keyof Events>(event: K, listener: Listener<K>) {
      if (typeof listener === "function") return events.on(event, listener);
      return complain(`no listener for "${event}"`);
    },
    off: events.off,
  };

  function run(verb: string, ...args: unknown[]): unknown {
    if (!Object.hasOwn(verbs, verb)) return complain(`there is no "${verb}"`);
    pushed.flush();
    const given = verbs[verb]!(...(args as never[]));
    // Whoever waits for it hears of a refusal; else nothing of it is on the console of a visitor.
    if (given instanceof Promise) given.catch(() => undefined);
    return given;
  }

  const refused = (failure: unknown) => complainOf(failure, options?.appKey);
  events.watch("error", refused);
  events.watch("identity-required", refused);
  addEventListener("load", () => {
    if (!options) complain(KEYLESS);
  });

  const pushed = createPushed(run);
  // Also in another tab: what was set here was about whoever it was.
  events.watch("forgotten", ({ whole }) => whole && pushed.forget());
  const methods: Record<string, Verb> = { push: (...all: unknown[]) => all.map(pushed.take).length };
  for (const verb of Object.keys(verbs)) methods[verb] = (...args: unknown[]) => run(verb, ...args);
  return { run, methods, hopParameter: () => parameter };
}

/** By whatever name the page calls it. */
export function keyIn(given: InitOptions): string | undefined {
  return given.appKey ?? given.siteId ?? given.app_id ?? given.app_key;
}
