/** The client: one session, one line, and what the page and the panel ask of them. */

import { type Client, Refused, type Options } from "../contract";
import type { IdentifyAnswer } from "../hullo";
import { createAnnouncer } from "../page/events";
import { createChat } from "./chat";
import { createHttp, type Http } from "./http";
import { createIdentities } from "./identities";
import { createLine, type Line } from "./line";
import { openSession, type Session } from "./session";
import { openVault } from "./vault";
import type { Identified, Joined } from "./wire";

/** How long a session is waited for that another tab is about to begin, or has begun and not told yet. */
const OTHERS_FIRST = 1_500;

export function createClient({ watch, tell } = createAnnouncer()): Client {
  let options: Options | undefined;
  let session: Session;
  let http: Http;
  let line: Line | undefined;
  let consent = false;
  let decided: Promise<void>;
  /** What the server last said of the visitor; and what of the app. */
  let who: Joined | IdentifyAnswer | undefined;
  let domains: readonly string[] = [];
  /** Of the last join: with which session it went, and whether it asked for what was missed. */
  let sent: string | undefined;
  let resumed = false;
  let ready = false;
  /** The visitor is another one, and the page has not heard of it yet. */
  let untold = false;

  const identities = createIdentities({
    taken,
    identified(answer) {
      if (answer.identified) model.identified();
      tell("identified", answer);
    },
    refused({ code, message: detail }) {
      if (code?.startsWith("proof_")) tell("identity-required", { code });
      else if (!line?.barred) tell("error", { code, detail });
    },
    who: () => who,
  });

  const model = createChat({
    message: (said) => tell("message", said),
    unread: (count) => tell("unread", { count }),
    async leaveEmail(email) {
      const { rejected } = await identities.identify({ email, source: "prompt" });
      const fault = rejected.find(({ field }) => field === "email");
      if (fault) throw new Refused("invalid", fault.reason);
    },
    async agree() {
      consent = true;
      line?.connect();
      await line?.joined();
      identities.agreed();
    },
  });

  /** What tells the server that the visitor agrees, where the page or the visitor has said so. */
  const agreeing = () => ({ consent: consent || undefined });
  const hello = () => ({ session_token: session.token, ...agreeing() });

  function start(given: Options, hop: string | undefined): void {
    options = given;
    consent ||= !!given.consent;
    const vault = openVault(given.appKey, given.host);
    session = openSession(vault, new URL(given.host).origin === location.origin, turned);
    if (untold) {
      // There was a reset before there was anything to end.
      session.end();
      vault.setPart("outbox", undefined);
    }
    http = createHttp(given, () => session.token);
    line = createLine(given, http, {
      prepare,
      hello() {
        sent = session.mark;
        const after = model.after();
        resumed = !!after;
        return { ...hello(), after };
      },
      byCookie: () => session.byCookie,
      joined,
      heard: model.heard,
      async poll() {
        if (session.mark) await model.poll();
      },
      lost() {
        model.lost();
        tellReset(null);
      },
      over() {
        session.over();
        turned(false, false);
      },
      refused: ({ code, message: detail }) => tell("error", { code, detail }),
    });
    model.begin(line, http, vault);
    decided = identities.begin({ line, http, vault, session, agreeing }, hop);
    line.connect();
  }

  /** Before each join: what is owed to the server, and a session where only an answer by HTTP can set it. */
  async function prepare(): Promise<void> {
    await session.settle(http, agreeing());
    await decided;
    if (session.byCookie) accept(await http<Joined>("join", hello()), session.mark);
  }

  /** Takes the session of an answer. Whether it is the one `before`; undefined where another is to be taken. */
  function accept(told: Joined, before: string | undefined): boolean | undefined {
    const taken = session.take(told, before);
    const same = !before || session.mark === before;
    if (!taken || !same) forget(false);
    return taken ? same : undefined;
  }

  function joined(told: Joined): void {
    const { visitor_id, identified, identify, settings } = told;
    const same = accept(told, sent);
    if (same === undefined) return line?.connect();
    if (!same && ready && !identify?.switched) untold = true;
    if (who && told.standing !== who.standing && !identify) identities.forget(false);
    who = told;
    domains = settings.domains ?? [];
    model.joined(told, resumed && same);
    if (!ready) tell("ready", { visitor_id, identified });
    ready = true;
    tellReset(visitor_id);
  }

  /** What an identify answer says of the session. */
  function taken(answer: Identified): void {
    const [before, believed] = [session.mark, who?.standing];
    session.follow(answer);
    const anew = !!before && session.mark !== before;
    if (anew) forget(false);
    who = answer;
    // There is more to know of them, then. And a cookie may hold another session than the socket has.
    const more = anew || (answer.standing === "proven" && believed !== "proven");
    if (line?.up && (more || session.byCookie)) line.connect();
  }

  /** This page is no longer of the visitor that it was. `certain`: their session is known. */
  function turned(certain: boolean, whole: boolean): void {
    forget(whole);
    untold = true;
    line?.connect(certain ? undefined : OTHERS_FIRST);
  }

  /** Drops what is known of the visitor; who they are about to be said to be as well, if `whole`. */
  function forget(whole: boolean): void {
    who = undefined;
    tell("forgotten", { whole });
    identities.forget(whole);
    model.clear();
    line?.drop(new Refused("reset", "the visitor is another one"), whole);
  }

  function tellReset(visitor_id: string | null): void {
    if (untold) tell("reset", { visitor_id });
    untold = false;
  }

  async function reset(): Promise<void> {
    consent = !!options?.consent;
    session?.end();
    turned(true, true);
    // Without a connection it is remembered, and done: nothing is left here.
    await line?.joined().catch(() => undefined);
  }

  async function identityToken(to?: string): Promise<{ token: string; parameter: string; expiresAt: number }> {
    await identities.idle(); // which it is not before `start`
    await line?.joined();
    if (!who?.identified) throw new Refused("conflict", "no identity");
    const asked = Date.now();
    type Told = { token: string; parameter: string; expires_in: number };
    const { token, parameter, expires_in } = await http<Told>("identity-token", { to });
    return { token, parameter, expiresAt: asked + expires_in * 1_000 };
  }

  return {
    start,
    identify: identities.identify,
    reset,
    identityToken,
    get identified() {
      return !!who?.identified;
    },
    get domains() {
      return ready ? [...domains, ...options!.domains] : [];
    },
    chat: model.chat,
    watch,
  };
}
