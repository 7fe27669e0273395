/** What a developer did wrong, as one line on the console, once; a visitor sees nothing of it. */

import { Refused } from "../contract";

const told = new Set<string>();

export function complain(sentence: string): void {
  if (!told.has(sentence)) console.warn(`hullo: ${sentence}`);
  told.add(sentence);
}

/** Of what was refused, only what the page's developer can mend. */
export function complainOf(failure: unknown, appKey: string | undefined): void {
  const why: Record<string, string> = {
    unknown_app: `there is no app ${appKey}`,
    bad_origin: `${appKey} does not list ${location.origin}`,
    no_identifier: "identify needs an email or an external_id",
    proof_required: "identify needs a user_hash or token",
    proof_rejected: "wrong user_hash or token: hullo check",
  };
  const sentence = why[(failure as Partial<Refused>).code ?? ""];
  if (sentence) complain(sentence);
}
