// The agent's desk. Each conversation's form is made once, so that an update keeps the text in it.

const shown = new Map();
const update = follow("/desk.json", ({ conversations }) => {
  document.getElementById("none").hidden = conversations.length > 0;
  for (const conversation of conversations.toReversed()) {
    const card = shown.get(conversation.id) ?? addCard(conversation.id);
    const { contact } = conversation;
    card.heading.replaceChildren(contact?.name ?? contact?.email ?? "A visitor", " ", badge(conversation.standing));
    card.lines.replaceChildren(...conversation.messages.map((message) => part("li", message.author, message.text)));
  }
});

function addCard(id) {
  const heading = part("h2");
  const lines = part("ol", "lines");
  const text = part("input");
  Object.assign(text, { name: "text", required: true, maxLength: 8000, autocomplete: "off" });
  text.setAttribute("aria-label", "Answer");
  const form = part("form", "row", text, part("button", null, "Answer"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = new URLSearchParams({ conversation: id, text: text.value });
    if ((await fetch("/desk.json", { method: "POST", body })).ok) text.value = "";
    update();
  });
  document.getElementById("conversations").prepend(part("section", null, heading, lines, form));
  const card = { heading, lines };
  shown.set(id, card);
  return card;
}
