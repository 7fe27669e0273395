// "Who am I?": the browser, the shop's server and the agent, side by side.

const events = document.getElementById("events");
const update = follow("/who.json", (now) => {
  showPairs(document.getElementById("known"), [
    ["logged in", now.login ?? "no"],
    ["visitor_id", now.visitor_id ?? "none yet"],
    ["contact_id", now.contact_id ?? "none"],
    ["standing", badge(now.standing)],
  ]);
  showPairs(document.getElementById("contact"), now.contact ? contactPairs(now.contact) : [["contact", "none"]]);
  showPairs(document.getElementById("conversations"), now.conversations.map(conversationPair));
  document.getElementById("why").hidden = now.decisions.length === 0;
  document.getElementById("decisions").replaceChildren(
    ...now.decisions.map((decision) => part("li", null, decision.words)),
  );
});

function contactPairs(contact) {
  const pair = (name, value, field) => [name, part("span", null, String(value), " ", badge(contact.provenance[field]?.standing))];
  const fields = ["external_id", "email", "name", "phone", "company"].filter((field) => contact[field] !== null);
  const custom = Object.entries(contact.custom_data).flatMap(([app, values]) =>
    Object.entries(values).map(([key, value]) => pair(key, value, `custom_data.${app}.${key}`)),
  );
  return [["id", contact.id], ...fields.map((field) => pair(field, contact[field], field)), ...custom];
}

/** An anonymous visitor's conversation has no contact. It gets one when the visitor identifies. */
function conversationPair(conversation) {
  return ["conversation", conversation.contact_id === null ? "has no contact yet" : "belongs to the contact"];
}

if (window.Hullo) {
  for (const name of EVENTS) {
    Hullo.on(name, (detail) => {
      events.prepend(eventLine(name, detail));
      update();
    });
  }
  // Every visitor can type this, so it is only a claim: it overwrites none of her values, and reveals none of them.
  document.getElementById("claim").addEventListener("click", () => {
    Hullo.identify({ email: "jane@example.com", name: "Mallory" }).catch((error) => events.prepend(eventLine("refused", error.code)));
  });
  document.getElementById("forget").addEventListener("click", () => Hullo.reset());
}
