// Shows the events that the widget sends to this page.

const events = document.getElementById("events");
for (const name of EVENTS) {
  hullo("on", name, (detail) => events.prepend(eventLine(name, detail)));
}
