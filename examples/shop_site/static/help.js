// Shows what the widget tells the help centre of its visitor.

const events = document.getElementById("events");
for (const name of EVENTS) {
  hullo("on", name, (detail) => events.prepend(eventLine(name, detail)));
}
