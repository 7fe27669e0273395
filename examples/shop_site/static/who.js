// "Who am I?": the browser, the shop's server and the agent, side by side.

const events = document.getElementById("events");
const look = follow("/who.json", (now) => {
  showPairs(document.getElementById("known"), [
    ["logged in", now.login ?? "no"],
    ["visitor_id", now.visitor_id ?? "none yet"],
    ["contact_id", now.contact_id ?? "none"],
    ["standing", badge(now.standing)],
  ]);
  showPairs(document.getElementById("contact"), now.contact ? contactPairs(now.contact) : [["contact", "none"]]);
  document.getElementById("decisions").replaceChildren(
    ...now.decisions.map((each) =>
      part("li", null, part("time", null, new Date(each.at).toLocaleTimeString()), ...each.words.map((word) => part("span", null, word))),
    ),
  );
});

function contactPairs(contact) {
  const origins = contact.provenance;
  const said = (field, value) => (value === null ? null : [field, part("span", null, String(value), " ", badge(origins[field]?.standing))]);
  const custom = Object.entries(contact.custom_data).flatMap(([app, block]) =>
    Object.entries(block).map(([key, value]) => [key, part("span", null, String(value), " ", badge(origins[`custom_data.${app}.${key}`]?.standing))]),
  );
  const fields = ["external_id", "email", "name", "phone", "company"].map((field) => said(field, contact[field]));
  return [["id", contact.id], ...fields.filter((pair) => pair !== null), ...custom];
}

if (window.Hullo) {
  for (const name of EVENTS) {
    Hullo.on(name, (detail) => {
      events.prepend(eventLine(name, detail));
      look();
    });
  }
  // Anybody can type this. It is taken as a claim: it overwrites nothing of hers, and this browser is told nothing.
  document.getElementById("claim").addEventListener("click", () => {
    Hullo.identify({ email: "jane@example.com", name: "Mallory" }).catch((refused) => events.prepend(eventLine("refused", refused.code)));
  });
  document.getElementById("forget").addEventListener("click", () => Hullo.reset());
}
