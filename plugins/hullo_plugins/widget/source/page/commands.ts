/** What a page can ask for, by name. What needs an app key waits until there is one, in order. */

import { type Client, type Options, Refused } from "../contract";
import type { Events, Identity, InitOptions, Listener } from "../hullo";
import { complain, complainOf } from "./complaints";
import { domainsIn } from "./domains";
import type { Announcer } from "./events";
import { type HopSettings } from "./hop";
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

type Verb = (...args: never[]) => unknown;

export interface Commands {
  /** `hullo("identify", {…})`: never throws, and nothing of it is left unhandled. */
  run(verb: string, ...args: unknown[]): unknown;
  /** What the page's object gets. */
  readonly methods: Readonly<Record<string, Verb>>;
  readonly hopSettings: HopSettings;
}

export function createCommands({ client, events, launcher, script, hop }: Parts): Commands {
  const hopSettings = { domains: domainsIn(script.domains), hopParameter: script.hopParameter };
  let options: Options | undefined;
  const waiting: (() => void)[] = [];

  function afterInit<T>(ask: () => T): Promise<Awaited<T>> {
    if (options) return Promise.resolve(ask());
    return new Promise<T>((done) => waiting.push(() => done(ask()))) as Promise<Awaited<T>>;
  }

  function init(given: InitOptions = {}): void {
    const appKey = keyIn(given) ?? script.appKey;
    const host = (given.host ?? script.host)?.replace(/\/+$/, "");
    if (!appKey) return complain('init needs an app key: {appKey: "app_..."}');
    if (!host) return complain("it cannot tell where hullo answers: say it with data-host or init({host})");
    if (options) {
      if (options.appKey !== appKey) complain(`it runs for ${options.appKey} already, and not for ${appKey}`);
      return;
    }
    hopSettings.domains.push(...domainsIn(given.domains));
    hopSettings.hopParameter = given.hopParameter ?? script.hopParameter;
    const consent = given.consent ?? script.consent;
    options = { appKey, host, domains: hopSettings.domains, ...(consent === undefined ? {} : { consent }) };
    client.start(options, hop ?? takeHop(hopSettings.hopParameter));
    for (const each of waiting) each();
    if (given.launcher === false) launcher.hide();
    const locale = given.locale ?? script.locale ?? (document.documentElement.lang || navigator.language);
    launcher.begin({ host, locale, nonce: script.nonce });
  }

  const verbs: Record<string, Verb> = {
    init,
    identify(identity: Identity) {
      if (!identity) return Promise.reject(new Refused("no_identifier", "identify needs to be told who it is"));
      pushed.remember(identity);
      const ask = () => client.identify(identity);
      // Asked beforehand it travels with the join, but it never passes a reset that was asked before it.
      return waiting.length ? afterInit(ask) : ask();
    },
    reset() {
      pushed.forget();
      return afterInit(() => client.reset());
    },
    /** The function form hands the token to a function; the object form gives a promise of it. */
    identityToken(to?: string | ((token: string) => void)) {
      const told = typeof to === "function" ? to : undefined;
      const origin = told ? undefined : (to as string | undefined);
      const token = afterInit(() => client.identityToken(origin)).then((given) => given.token);
      if (told) token.then(told).catch(reportUnlessRefused);
      return token;
    },
    agree: () => afterInit(() => client.chat.agree()),
    say: (text: string) => afterInit(() => client.chat.send(text)),
    open: launcher.open,
    close: launcher.close,
    toggle: launcher.toggle,
    show: launcher.show,
    hide: launcher.hide,
    on<K extends keyof Events>(event: K, listener: Listener<K>) {
      if (typeof listener === "function") return events.on(event, listener);
      return complain(`on("${event}") needs a function`);
    },
    off: events.off,
  };

  function run(verb: string, ...args: unknown[]): unknown {
    if (!Object.hasOwn(verbs, verb)) return complain(`there is no "${verb}" among ${Object.keys(verbs).join(", ")}`);
    pushed.flush();
    const given = verbs[verb]!(...(args as never[]));
    // Whoever waits for it hears of a refusal; else nothing of it is on the console of a visitor.
    if (given instanceof Promise) given.catch(refused);
    return given;
  }

  const refused = (failure: unknown) => complainOf(failure, options?.appKey);
  events.on("error", refused);
  events.on("identity-required", refused);
  addEventListener("load", () => {
    if (!options) complain('it waits for an app key: data-app at its script, or init({appKey: "app_..."})');
  });

  const pushed = createPushed(run);
  const methods: Record<string, Verb> = { push: (...all: unknown[]) => all.map(pushed.take).length };
  for (const verb of Object.keys(verbs)) methods[verb] = (...args: unknown[]) => run(verb, ...args);
  return { run, methods, hopSettings };
}

/** By whatever name the page calls it. */
export function keyIn(given: InitOptions): string | undefined {
  return given.appKey ?? given.siteId ?? given.app_id ?? given.app_key;
}

function reportUnlessRefused(failure: unknown): void {
  if (!(failure instanceof Refused)) reportError(failure);
}
