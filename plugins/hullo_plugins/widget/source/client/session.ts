/** Whose session this page has, and what becomes of it when it, or another tab, is told another one. */

import type { Refused } from "../contract";
import { passing, type Http } from "./http";
import { openTabs, type Turn } from "./tabs";
import { isToken, type Vault } from "./vault";
import type { Identified, Joined } from "./wire";

/** Stands for a session in a cookie that no script can read, by the id of its visitor. */
const BY_COOKIE = "cookie:";

export interface Session {
  readonly token: string | undefined;
  /** Tells one session from another; undefined where there is none. */
  readonly mark: string | undefined;
  readonly byCookie: boolean;
  /** Takes what a join gave that was sent with `sent`. False: another tab has begun one, to be gone on with. */
  take(answer: Joined, sent: string | undefined): boolean;
  /** Takes the session that an identify answer names, if it names another one. */
  follow(answer: Identified): void;
  /** Ends it: here and now, for other tabs, and on the server as soon as that can be asked (`settle`). */
  end(): void;
  /** It is no longer good, by the server's word. */
  over(): void;
  /** Ends on the server what is still to be ended there. */
  settle(http: Http, consent: object): Promise<void>;
}

/** `ownHost`: the page is hullo's own host's, and what is not known here may be in a cookie. `turned`: another tab has
 * ended the session; `certain`: the next one is known. */
export function openSession(
  vault: Vault,
  ownHost: boolean,
  turned: (certain: boolean, whole: boolean) => void,
): Session {
  let mark = vault.mark();
  /** What the storage may still show for a moment, though it is over. */
  const gone = new Set<string>();
  const tell = openTabs(vault.key, heard);

  function kept(): string | undefined {
    const there = vault.mark();
    return there && gone.has(there) ? undefined : there;
  }

  function heard(turn?: Turn): void {
    if (turn) gone.add(turn.gone);
    // Tabs that share no storage have sessions of their own, but one person at the keyboard.
    const whole = !!turn && !vault.lasting;
    const there = whole ? undefined : (turn?.come ?? kept());
    // The end of its session may be heard of before the one that follows it.
    if (mark ? there === mark && !whole : !turn?.come) return;
    if (whole && mark) owe(mark);
    // Race: this tab began one before it heard of that one, and may have written it over that one.
    else if (mark && turn?.come && mark === kept()) vault.setMark(there);
    mark = there;
    if (whole) vault.setMark(undefined);
    turned(!!there, true);
  }

  function become(next: string | undefined): void {
    const before = mark;
    mark = next;
    if (next !== vault.mark()) vault.setMark(next);
    if (!before || before === next) return;
    gone.add(before);
    tell({ gone: before, come: next });
  }

  function owe(ended: string): void {
    const owed = vault.part<string[]>("owed") ?? [];
    if (!owed.includes(ended)) vault.setPart("owed", [...owed, ended]);
  }

  function marked(answer: Joined | Identified, same: string | undefined): string | undefined {
    if (answer.session_token) return answer.session_token;
    return answer.visitor_id ? (same ?? BY_COOKIE + answer.visitor_id) : undefined;
  }

  return {
    get token() {
      return isToken(mark) ? mark : undefined;
    },
    get mark() {
      return mark;
    },
    get byCookie() {
      return mark ? !isToken(mark) : ownHost;
    },
    take(answer, sent) {
      const next = marked(answer, isToken(sent) ? sent : undefined);
      const there = kept();
      if (there && there !== sent && there !== next) {
        mark = there;
        return false;
      }
      mark = sent;
      become(next);
      return true;
    },
    follow(answer) {
      const next = marked(answer, answer.switched ? undefined : mark);
      if (next) become(next);
    },
    end() {
      const ended = vault.mark() ?? mark ?? (ownHost ? BY_COOKIE : undefined);
      if (ended) owe((mark = ended));
      become(undefined);
    },
    over() {
      if (!mark) return;
      gone.add(mark);
      mark = kept();
    },
    async settle(http, consent) {
      for (const ended of vault.part<string[]>("owed") ?? []) {
        const session_token = isToken(ended) ? ended : undefined;
        const answer = await http<Joined>("reset", { session_token, ...consent }, true).catch((failure: Refused) => {
          if (passing(failure) || failure.status >= 500) throw failure;
          return undefined; // a session that the server will not end is none that it knows
        });
        const owed = vault.part<string[]>("owed")?.filter((each) => each !== ended) ?? [];
        vault.setPart("owed", owed.length ? owed : undefined);
        gone.add(ended);
        // What follows it. Where there is another session already it is nobody's.
        if (!mark) mark = kept();
        if (!mark && answer) become(marked(answer, undefined));
      }
      // Of another tab, perhaps.
      if (!mark) mark = kept();
    },
  };
}

