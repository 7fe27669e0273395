/** The line to the server: a socket where that gets through, else fetch, again and again. */

import { Refused, type Options } from "../contract";
import { backoff, pause } from "./backoff";
import { createCalls, type Call } from "./calls";
import { offline, passing, type Http } from "./http";
import type { Party } from "./party";
import { BLOCKED, openSocket, type Socket } from "./socket";
import type { Joined, Problem } from "./wire";

/** How long sockets count as blocked. */
const BLOCKED_FOR = 180_000;
const POLL = 4_000;

export interface Line {
  /** Whether calls are answered. */
  readonly up: boolean;
  /** Why they never will be. */
  readonly barred: Refused | undefined;
  /** Joins, or joins again; after a while, where one is given. */
  connect(after?: number): void;
  ask(call: Call): void;
  /** Refuses what waits; but for identities, unless `whole`. */
  drop(refusal: Refused, whole: boolean): void;
  /** Resolves once it has joined; rejects where the next attempt fails, which is made now if there is a `hurry`. */
  joined(hurry?: boolean): Promise<void>;
}

export function createLine(options: Options, http: Http, party: Party): Line {
  const calls = createCalls(send);
  let waiting: { done: () => void; failed: (refusal: Refused) => void }[] = [];
  let socket: Socket | undefined;
  let up = false;
  /** Of the last thing that a socket was asked. */
  let refs = 0;
  /** What was begun before the line was last joined anew is no longer heard. */
  let turn = 0;
  let failures = 0;
  let blocked = 0;
  let socketsFrom = 0;
  let notBefore = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let barred: Refused | undefined;

  function connect(after?: number): void {
    hangUp();
    if (barred) return;
    if (after === undefined) void join(turn);
    else timer = setTimeout(connect, after);
  }

  function hangUp(): void {
    turn++;
    clearTimeout(timer);
    timer = undefined;
    socket?.close();
    socket = undefined;
    up = false;
    calls.release();
  }

  async function join(mine: number): Promise<void> {
    try {
      await party.prepare();
      if (mine !== turn) return;
      if (Date.now() >= socketsFrom) return open(mine);
      const answer = await http<Joined>("join", party.hello());
      if (mine === turn) welcome(answer);
      if (mine === turn) pollLater();
    } catch (failure) {
      failed(mine, failure as Refused);
    }
  }

  function open(mine: number): void {
    const first = party.byCookie() ? undefined : calls.takeIdentity();
    const join = { type: "join", ref: String(++refs), app_key: options.appKey, ...party.hello(), ...first?.frame() };
    socket = openSocket(`${options.host.replace(/^http/, "ws")}/v1/socket`, join, {
      frame(frame) {
        if (mine !== turn) return;
        const { type, ref, ...told } = frame;
        const { asked } = calls;
        if (type === "joined") {
          blocked = 0;
          const answer = told as unknown as Joined;
          welcome(answer);
          if (first && answer.identify && mine === turn) calls.answered(first, answer.identify);
        } else if (!up) failed(mine, refusal(told));
        else if (!ref) party.heard(frame);
        else if (ref === String(refs) && asked) {
          if (type === "error") turnedDown(mine, asked, refusal(told));
          else calls.answered(asked, told);
        }
      },
      closed(code, reason, hint) {
        if (mine === turn) closed(mine, code, reason, hint);
      },
    });
  }

  function closed(mine: number, code: number, reason: string, hint: number): void {
    if (code === 4401) return party.over();
    if (code === 4403) return failed(mine, new Refused(reason, "cannot join"));
    // What the server cannot take would end the next socket too.
    const fault = { 4400: "bad_json", 4413: "too_large" }[code];
    if (calls.asked && fault) calls.refused(calls.asked, new Refused(fault, "cannot be sent"));
    // By codes from there on the server itself says that it is not the time.
    if (code < 1012) blocked += hint;
    if (blocked < BLOCKED) return failed(mine, offline(), pause(code));
    socketsFrom = Date.now() + BLOCKED_FOR;
    connect();
  }

  function welcome(answer: Joined): void {
    const mine = turn;
    up = true;
    failures = 0;
    party.joined(answer);
    if (mine !== turn) return; // there is another session, to join with
    for (const each of waiting.splice(0)) each.done();
    calls.pump();
  }

  function failed(mine: number, refusal: Refused, least = 0): void {
    if (mine !== turn) return;
    const { code, retryAfter = 0 } = refusal;
    hangUp();
    if (code === "bad_origin" || code === "unknown_app") barred = refusal;
    // Nobody is there at all, which says nothing about sockets.
    if (code === "offline" && socketsFrom) trySockets();
    party.lost();
    for (const each of waiting.splice(0)) each.failed(refusal);
    if (barred) {
      party.refused(barred);
      calls.drop(barred, true);
    } else if (code === "session_revoked") party.over();
    else {
      const wait = least || retryAfter * 1_000;
      notBefore = Date.now() + wait;
      connect(least || wait + backoff(failures++));
    }
  }

  function trySockets(): void {
    socketsFrom = 0;
    blocked = BLOCKED - 1;
  }

  function send(call: Call): boolean {
    if (!up) return false;
    const mine = turn;
    if (socket && !(call.kind === "identify" && party.byCookie())) {
      socket.send({ type: call.kind, ref: String(++refs), ...call.frame() });
    } else {
      call.http().then(
        (answer) => calls.answered(call, answer),
        (refusal: Refused) => turnedDown(mine, call, refusal),
      );
    }
    return true;
  }

  function turnedDown(mine: number, call: Call, refusal: Refused): void {
    if (mine !== turn) return;
    if (refusal.code === "session_revoked") party.over();
    else if (refusal.code === "offline") failed(mine, refusal);
    else if (!passing(refusal)) calls.refused(call, refusal);
    else {
      const again = () => {
        if (mine !== turn) return;
        calls.release();
        calls.pump();
      };
      setTimeout(again, (refusal.retryAfter ?? 1) * 1_000 + backoff(0));
    }
  }

  function pollLater(): void {
    clearTimeout(timer);
    timer = setTimeout(poll, POLL);
  }

  async function poll(): Promise<void> {
    const mine = turn;
    if (document.hidden) return; // until it is seen again
    try {
      if (Date.now() >= socketsFrom) {
        trySockets();
        return connect();
      }
      await party.poll();
      if (mine === turn) pollLater();
    } catch (failure) {
      failed(mine, failure as Refused);
    }
  }

  /** Perhaps it is better now: what was to happen some time happens at once. */
  function wake(): void {
    if (document.hidden && up) return;
    if (socket?.joined) socket.ping();
    else if (up) void poll();
    else if (timer && Date.now() >= notBefore) connect();
  }

  addEventListener("online", wake);
  document.addEventListener("visibilitychange", wake);
  // What a browser says of networks is not always so: it is tried again soon.
  addEventListener("offline", () => {
    if (up) failed(turn, offline());
  });

  return {
    get up() {
      return up;
    },
    get barred() {
      return barred;
    },
    connect,
    ask(call) {
      if (barred) call.failed(barred);
      else calls.add(call);
    },
    drop: calls.drop,
    joined: (hurry) =>
      new Promise((done, failed) => {
        if (up) return done();
        if (barred) return failed(barred);
        waiting.push({ done, failed });
        if (hurry) wake();
      }),
  };
}

function refusal(told: object): Refused {
  const { code, detail, retry_after } = told as Problem;
  return new Refused(code, detail, 0, retry_after);
}
