/** The names under which a page finds the SDK. Whatever stands there already stays the same thing: pages keep it. */

import type { InitOptions } from "../hullo";
import type { Commands } from "./commands";

type Run = (each: unknown) => unknown;

const page = window as unknown as Record<string, unknown>;

/**
 * `hullo("identify", {…})`. Calls that a stub has queued are made in their order; from then on its queue makes them
 * at once, as the stub is still what the page calls.
 */
export function offerFunction(name: string, { run }: Commands): void {
  const call: Run = (args) => run(...(Array.from(args as unknown[]) as [string]));
  const there = page[name];
  const stub = (typeof there === "function" ? there : (...args: unknown[]) => void call(args)) as { q?: unknown };
  page[name] = stub;
  stub.q = workedOff(stub.q, call);
}

/** `Hullo.identify({…})`. Gives what a page has set there beforehand, such as the app's key. */
export function offerObject(name: string, { methods }: Commands): InitOptions {
  const there = page[name];
  const preset = isPlain(there) ? { ...there } : {};
  // An element with such an id is a global too, and is none of ours.
  const object = (typeof there === "function" || Array.isArray(there) || isPlain(there) ? there : {}) as object;
  page[name] = object;
  Object.assign(object, methods);
  if (Array.isArray(object)) workedOff(object, methods.push as Run);
  return preset;
}

/** A queue whose calls were made, those that were added meanwhile as well. Further ones are made at once. */
function workedOff(queue: unknown, run: Run): unknown[] {
  const calls = Array.isArray(queue) ? (queue as unknown[]) : [];
  while (calls.length) run(calls.shift());
  calls.push = (...more) => more.map((each) => run(each)).length;
  return calls;
}

function isPlain(value: unknown): value is object {
  return (value as object | undefined)?.constructor === Object;
}
