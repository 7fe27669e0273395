// Builds parts of a page. Values come from visitors and agents, so they go in as text, never as markup.

const EVENTS = ["ready", "identified", "reset", "open", "close", "message", "unread", "identity-required", "error"];

function part(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** One line of the log: an event of the widget, with its data. */
function eventLine(name, detail) {
  const line = part("li", null, part("time", null, new Date().toLocaleTimeString()), part("b", null, name));
  if (detail !== undefined) line.append(part("code", null, JSON.stringify(detail, null, 1).replace(/\n */g, " ")));
  return line;
}

/** Names and values in a `dl`. A value is text, or parts. */
function showPairs(list, pairs) {
  list.replaceChildren(...pairs.flatMap(([name, value]) => [part("dt", null, name), part("dd", null, value)]));
}

/** A standing, as a small badge: how far hullo believes a value or a visitor. */
const badge = (standing) => part("span", "badge " + (standing ?? "anonymous"), standing ?? "anonymous");

/** Shows the response of `path` every 1.5 seconds, and at once when the returned function is called. */
function follow(path, show) {
  let timer;
  async function update() {
    clearTimeout(timer);
    // Without a response, the demo has ended or starts again. The page keeps what it shows.
    const response = await fetch(path, { cache: "no-store" }).catch(() => null);
    clearTimeout(timer);
    timer = setTimeout(update, 1500);
    if (response?.ok) show(await response.json());
  }
  update();
  return update;
}
