/** What a visitor is told of a refusal. */

import type { Texts } from "./texts";

/** Its own words are for people; a failure of anything else has none. */
export function wordsOf(failure: unknown, texts: Texts): string {
  const { code, message } = failure as { code?: string; message?: string };
  return (code !== "offline" && code && message) || texts.failure;
}
