// What the pages that show something are made of. Whatever is shown was said by somebody: it goes in as text.

const EVENTS = ["ready", "identified", "reset", "open", "close", "message", "unread", "identity-required", "error"];

function part(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** One line of the log: an event of the widget, with what it tells. */
function eventLine(name, detail) {
  const line = part("li", null, part("time", null, new Date().toLocaleTimeString()), part("b", null, name));
  if (detail !== undefined) line.append(part("code", null, JSON.stringify(detail)));
  return line;
}

/** Names and values in a `dl`. A value is text, or parts. */
function showPairs(list, pairs) {
  list.replaceChildren(...pairs.flatMap(([name, value]) => [part("dt", null, name), part("dd", null, value)]));
}

/** How far something is believed, as a small badge. */
const badge = (standing) => part("span", "badge " + (standing ?? "nobody"), standing ?? "nobody");

/** Shows the answer of `path` now and again, and at once when the returned function is called. */
function follow(path, show) {
  let timer;
  async function look() {
    clearTimeout(timer);
    try {
      const answer = await fetch(path, { cache: "no-store" });
      if (answer.ok) show(await answer.json());
    } catch {
      // The demo has ended, or starts again: the page shows what it knew.
    }
    clearTimeout(timer);
    timer = setTimeout(look, 1500);
  }
  look();
  return look;
}
