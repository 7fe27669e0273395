/** Other tabs of the same app in the same browser. */

/** A session ended, in the tab that tells it. `come`: the one that follows, where there is one already. */
export interface Turn {
  readonly gone: string;
  readonly come?: string | undefined;
}

/** Gives what tells them. `heard` without a turn: the storage is no longer what it was.
 *
 * Both ways are needed: a channel's word can be here before the storage's change is, and not every browser has one.
 */
export function openTabs(key: string, heard: (turn?: Turn) => void): (turn: Turn) => void {
  const channel = opened(key);
  if (channel) channel.onmessage = ({ data }: MessageEvent<Turn>) => heard(data);
  addEventListener("storage", (event) => {
    if (!event.key || event.key === key) heard();
  });
  // A page that comes back as it was left has heard nothing meanwhile.
  addEventListener("pageshow", (event) => {
    if (event.persisted) heard();
  });
  return (turn) => channel?.postMessage(turn);
}

function opened(name: string): BroadcastChannel | undefined {
  try {
    return new BroadcastChannel(name);
  } catch {
    return undefined;
  }
}
