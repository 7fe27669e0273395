/** Addresses inside a text, found and made links. What is no address stays text, whatever it looks like. */

/** Ends at white space, quotes, angle brackets, and at the controls that turn the direction of what is read. */
const ADDRESS = /\bhttps?:\/\/[^\s<>"'`\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gi;

/** What ends a sentence, in the scripts that people write to a shop in. */
const PUNCTUATION = /[.,;:!?…*_~|'"’”»。、，！？：；،؛؟]/;
const CLOSING: Record<string, string> = { ")": "(", "]": "[", "}": "{" };

export function linked(text: string, made: (link: HTMLAnchorElement) => void): Node[] {
  const nodes: Node[] = [];
  let from = 0;
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    const shown = trimmed(found);
    const href = destination(shown);
    if (!href) continue;
    const link = document.createElement("a");
    link.textContent = shown;
    link.href = href;
    made(link);
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
    nodes.push(new Text(text.slice(from, index)), link);
    from = index + shown.length;
  }
  return [...nodes, new Text(text.slice(from))];
}

/** Without the sentence around it: a bracket belongs to the address where it was opened there. */
function trimmed(address: string): string {
  const surplus: Record<string, number> = {};
  for (const [close, open] of Object.entries(CLOSING)) {
    surplus[close] = address.split(close).length - address.split(open).length;
  }
  let end = address.length;
  for (; end; end--) {
    const last = address[end - 1]!;
    if (last in CLOSING ? surplus[last]!-- <= 0 : !PUNCTUATION.test(last)) break;
  }
  return address.slice(0, end);
}

/** A name before the host is there to deceive: `https://bank.example@elsewhere.example`. */
function destination(address: string): string | undefined {
  try {
    const { protocol, username, password, href } = new URL(address);
    return /^https?:$/.test(protocol) && !username && !password ? href : undefined;
  } catch {
    return undefined;
  }
}
