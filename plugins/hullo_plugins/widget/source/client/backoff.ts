/** How long to wait before trying again, in milliseconds. */

const SHORTEST = 1_000;
const LONGEST = 60_000;

/** Full jitter: anything up to a bound that doubles. Whoever lost the same server comes back at different times. */
export function backoff(failures: number, random = Math.random()): number {
  return random * Math.min(LONGEST, SHORTEST * 2 ** failures);
}

/** How long the close of a socket, by its code, makes wait at least. */
export function pause(code: number, random = Math.random()): number {
  if (code === 1012) return random * 5_000; // the server restarts, for all of its sockets at once
  if (code === 4429) return 10_000 + random * 5_000;
  return 0;
}
