/** Who the page says that the visitor is: asked in order, and not again while the answer still stands. */

import { Refused } from "../contract";
import type { Identity, IdentifyAnswer } from "../hullo";
import { canonical, digest } from "./canonical";
import { passing, type Http } from "./http";
import type { Line } from "./line";
import type { Session } from "./session";
import type { Vault } from "./vault";
import type { Identified, Joined } from "./wire";

/** For how long a page load believes what an earlier one was told. */
const REMEMBERED = 3_600_000;
const NAMES = ["external_id", "email", "token", "identity_token"] as const;

/** The answer for a guest, of whom nothing is stored. */
const GUEST: IdentifyAnswer = {
  visitor_id: null,
  identified: false,
  standing: null,
  switched: false,
  linked_conversations: 0,
  rejected: [],
  request_id: "",
};

/** What is kept beside the session. Whoever reads both could try out names against it, and has the session anyway. */
interface Remembered {
  readonly digest: string;
  readonly standing: IdentifyAnswer["standing"];
  readonly at: number;
}

/** What there is once the page has said whose app it is. */
export interface Surroundings {
  readonly line: Line;
  readonly http: Http;
  readonly vault: Vault;
  readonly session: Session;
  /** What tells the server that the visitor agrees. */
  agreeing(): object;
}

/** What came of it. */
export interface Verdicts {
  /** Before anybody is told: the session may be another one from here on. */
  taken(answer: Identified): void;
  identified(answer: IdentifyAnswer): void;
  refused(refusal: Refused): void;
  /** What the server last said of the visitor. */
  who(): Joined | IdentifyAnswer | undefined;
}

export interface Identities {
  /** `null`: no user is logged in on this page. */
  identify(identity: Identity | null): Promise<IdentifyAnswer>;
  /** From here on they are asked; `hop` first, that brought the visitor here. Resolves when it is clear whether one is
   * to travel with the join. */
  begin(all: Surroundings, hop: string | undefined): Promise<void>;
  /** The visitor has agreed to be remembered: what was refused for the lack of it is asked again. */
  agreed(): void;
  /** Resolves once nothing more is asked. */
  idle(): Promise<unknown>;
  /** The visitor is another one. What waits is refused as well, if `whole`. */
  forget(whole: boolean): void;
}

export function createIdentities(verdicts: Verdicts): Identities {
  let given!: Surroundings;
  let known: { text: string; answer: IdentifyAnswer } | undefined;
  let visitor = 0;
  let begun!: (first?: Promise<unknown>) => void;
  let last: Promise<unknown> = new Promise((done) => (begun = done));
  /** Of the first: it has been asked, or is held back. */
  let decide: (() => void) | undefined;
  let decided: Promise<void> | undefined;
  /** Lets the identity go on that waits for the visitor's consent. */
  let agreed = () => {};

  function identify(identity: Identity | null): Promise<IdentifyAnswer> {
    const meant = visitor;
    const answer = after(last, () => take(identity, meant));
    last = answer.catch((refusal: Refused) => {
      if (refusal.code === "reset") return;
      if (refusal.code?.startsWith("proof_")) forgetAnswer();
      verdicts.refused(refusal);
    });
    return answer;
  }

  function after<T>(before: Promise<unknown>, ask: () => Promise<T>): Promise<T> {
    decided ??= new Promise((done) => (decide = done));
    return before.then(ask).finally(decide);
  }

  async function take(identity: Identity | null, meant: number): Promise<IdentifyAnswer> {
    if (!identity || !NAMES.some((name) => identity[name] || identity[name] === 0)) {
      check(meant);
      // About whom the session knows already: the answer is not remembered. For a guest no session is made.
      if (given.session.mark) return asked(identity ?? { nobody: true }, undefined, meant);
      if (identity) throw new Refused("no_identifier", "identify needs an email or an external_id");
      return GUEST;
    }
    const text = canonical(identity);
    check(meant);
    if (known?.text === text) return known.answer;
    const earlier = known ? undefined : await recalled(text);
    check(meant);
    if (earlier) {
      decide?.(); // not with the join, which says whether that still stands
      while (!given.line.up) await given.line.joined().catch(unlessPassing);
      check(meant);
      const who = verdicts.who();
      if (who?.identified && who.standing === earlier.standing) return stands(text, who);
    }
    const answer = await asked(identity, text, meant);
    void keep(text, answer.standing);
    verdicts.identified(answer);
    return answer;
  }

  function asked(identity: Identity, text: string | undefined, meant: number): Promise<IdentifyAnswer> {
    const { line, http, agreeing } = given;
    return new Promise((done, failed) => {
      line.ask({
        kind: "identify",
        frame: () => ({ identity: { ...agreeing(), ...identity } }),
        http: () => http("identify", { ...agreeing(), ...identity }),
        done(all: Identified) {
          const { session_token, ...answer } = all;
          verdicts.taken(all);
          if (text !== undefined) known = { text, answer };
          done(answer);
        },
        failed(refusal) {
          if (refusal.code !== "consent_required") return failed(refusal);
          // The app stores nothing before the visitor agrees: then it is asked again. Later calls wait as well.
          agreed = () => done(Promise.resolve().then(() => (check(meant), asked(identity, text, meant))));
        },
      });
      decide?.();
    });
  }

  function check(meant: number): void {
    if (meant !== visitor) throw new Refused("reset", "the visitor is another one");
  }

  async function recalled(text: string): Promise<Remembered | undefined> {
    const kept = given.vault.part<Remembered>("identity");
    if (!kept || !(Date.now() - kept.at < REMEMBERED)) return undefined;
    return (await salted(text)) === kept.digest ? kept : undefined;
  }

  async function keep(text: string, standing: IdentifyAnswer["standing"]): Promise<void> {
    const meant = visitor;
    const made = await salted(text);
    if (made && meant === visitor) given.vault.setPart("identity", { digest: made, standing, at: Date.now() });
  }

  /** Good for this session alone. */
  function salted(text: string): Promise<string | undefined> {
    return digest(`${given.session.mark}\n${text}`);
  }

  /** The answer of an earlier page, as far as it is known. */
  function stands(text: string, { visitor_id, standing }: Joined | IdentifyAnswer): IdentifyAnswer {
    const answer = { ...GUEST, visitor_id, identified: true, standing };
    known = { text, answer };
    verdicts.identified(answer);
    return answer;
  }

  function forgetAnswer(): void {
    known = undefined;
    given?.vault.setPart("identity", undefined);
  }

  return {
    identify,
    async begin(all, hop) {
      given = all;
      const arriving = hop ? after(Promise.resolve(), () => take({ identity_token: hop }, visitor)) : undefined;
      // Whoever follows a stale link is whoever they were before.
      begun(arriving?.catch((refusal) => console.debug("hullo:", refusal)));
      await decided;
    },
    agreed: () => agreed(),
    idle: () => last,
    forget(whole) {
      forgetAnswer();
      if (!whole) return;
      visitor++;
      // Another visitor: what waits is refused, as it was said of the one before.
      agreed();
    },
  };
}

function unlessPassing(refusal: Refused): void {
  if (!passing(refusal)) throw refusal;
}
