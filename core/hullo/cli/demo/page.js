// The demo page: a visitor's browser on one side, the agent's view on the other.
// Whatever is shown was said by somebody, so text goes into the page as text and never as markup.

const { app: appKey, prefix } = document.documentElement.dataset;
const KEPT = "hullo-demo:" + appKey;
const PROFILE = ["external_id", "email", "name", "phone", "company", "avatar_url"];

const at = (id) => document.getElementById(id);

function el(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== null));
  return element;
}

const counted = (number, noun) => number + " " + noun + (number === 1 ? "" : "s");
const chip = (word) => el("span", "chip " + word, word);
const clock = (time) => new Date(time).toLocaleTimeString();
const short = (id) => (id.length > 22 ? id.slice(0, 9) + "…" + id.slice(-5) : id);

// What a widget keeps: the session's token, and here also what the visitor calls itself.

function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? {};
  } catch {
    return {};
  }
}

let visitor = { token: null, label: null, ...kept() };

function keep(change) {
  visitor = { ...visitor, ...change };
  try {
    localStorage.setItem(KEPT, JSON.stringify({ token: visitor.token, label: visitor.label }));
  } catch {
    // A browser that keeps nothing still has the visitor for as long as the page is open.
  }
}

// Calls, each of them shown.

class Refused extends Error {}

async function call(method, path, body) {
  const headers = {};
  if (path.startsWith(prefix)) {
    headers["X-Hullo-App"] = appKey;
    if (visitor.token) headers.Authorization = "Bearer " + visitor.token;
  }
  if (body) headers["Content-Type"] = "application/json";
  const started = performance.now();
  const response = await fetch(path, { method, headers, body: body && JSON.stringify(body), cache: "no-store" });
  const answer = await response.json().catch(() => null);
  showCall({ method, path, headers, body, status: response.status, answer, took: performance.now() - started });
  if (!response.ok) throw new Refused(answer?.detail ?? "The server answered " + response.status);
  return answer;
}

function showCall({ method, path, headers, body, status, answer, took }) {
  const summary = el(
    "summary", "",
    el("code", "", method + " " + path),
    el("span", "status-code" + (status < 400 ? "" : " wrong"), String(status)),
    el("span", "when", Math.round(took) + " ms · " + clock(Date.now())),
  );
  const sent = Object.entries(headers).map(([name, value]) => name + ": " + shortened(value)).join("\n");
  const bodies = el(
    "div", "bodies",
    el("div", "", el("h4", "", "Request"), el("pre", "", [sent, body && pretty(body)].filter(Boolean).join("\n\n") || "(nothing)")),
    el("div", "", el("h4", "", "Answer"), el("pre", "", answer === null ? "(nothing)" : pretty(answer))),
  );
  at("calls").prepend(el("li", "", el("details", "", summary, bodies)));
  while (at("calls").children.length > 40) at("calls").lastChild.remove();
}

// A session token is a secret: enough of it to tell two apart, and no more.
const shortened = (text) => text.replace(/(hvs_[0-9a-f]{6})[0-9a-f]+/g, "$1…");
const pretty = (value) => shortened(JSON.stringify(value, null, 2));

// What a visitor does.

async function join() {
  const body = { app_key: appKey };
  if (visitor.token) body.session_token = visitor.token;
  const answer = await call("POST", prefix + "/v1/join", body);
  const known = visitor.token === answer.session_token;
  if (!answer.identified) keep({ label: null });
  keep({ token: answer.session_token });
  show(answer);
  say(known ? "Back again: the session of before goes on." : "Joined: a new visitor, and no contact for it.");
  await showMessages(answer.conversations);
}

async function write(text) {
  const said = { app_key: appKey, text, client_id: crypto.randomUUID?.() ?? String(Math.random()) };
  const open = visitor.conversation;
  const path = open ? "/v1/conversations/" + encodeURIComponent(open) + "/messages" : "/v1/conversations";
  const answer = await call("POST", prefix + path, said);
  if (!open) visitor.conversation = answer.id;
  at("messages").append(el("li", "", text));
  say(visitor.standing ? "Sent. The agent knows who wrote." : "Sent. The agent sees a message of somebody unknown.");
}

async function identify(identity, label) {
  const answer = await call("POST", prefix + "/v1/identify", { app_key: appKey, ...identity });
  if (answer.session_token) keep({ token: answer.session_token });
  if (answer.switched) forgetMessages();
  keep({ label });
  show(answer);
  say(verdict(answer));
  // The widget in the corner has a session of its own, and hears of everything that this page says to the API.
  window.Hullo?.identify(identity).catch((refused) => console.warn("the widget was refused:", refused.code));
}

function verdict(answer) {
  if (answer.switched) return "Somebody else uses this browser now: a new session, and the old one has ended.";
  const linked = answer.linked_conversations;
  const also = linked ? " " + counted(linked, "conversation") + " linked." : "";
  return (answer.standing === "proven" ? "Proven: the shop’s server vouches for this." : "Claimed: believed as far as a claim goes.") + also;
}

async function logIn(login) {
  const signed = await call("POST", "/demo/login?as=" + login);
  await identify(signed, signed.name);
}

async function logOut() {
  const answer = await call("POST", prefix + "/v1/reset", { app_key: appKey });
  keep({ token: answer.session_token, label: null });
  forgetMessages();
  window.Hullo?.reset();
  show(answer);
  say("Logged out: this is a new visitor, and the old session is refused everywhere.");
}

// The visitor's side.

function show(answer) {
  visitor.standing = answer.identified ? answer.standing : null;
  const standing = visitor.standing ?? "none";
  at("badge").dataset.standing = standing;
  at("badge-name").textContent = visitor.standing ? (visitor.label ?? "somebody known") : "nobody yet";
  at("badge-note").textContent = "Visitor " + short(answer.visitor_id);
  at("badge-stamp").textContent = standing;
  at("badge-stamp").hidden = !visitor.standing;
  at("reset").textContent = visitor.standing ? "Log out" : "Log out (start as a new visitor)";
}

async function showMessages(conversations) {
  forgetMessages();
  const open = conversations.find((each) => each.status === "open");
  if (!open) return;
  visitor.conversation = open.id;
  const path = prefix + "/v1/conversations/" + encodeURIComponent(open.id) + "/messages";
  const { items } = await call("GET", path);
  const inOrder = [...items].sort((a, b) => a.created_at.localeCompare(b.created_at));
  at("messages").append(...inOrder.map((each) => el("li", "", each.text)));
}

function forgetMessages() {
  visitor.conversation = null;
  at("messages").replaceChildren();
}

function say(text, wrong = false) {
  at("status").textContent = text;
  at("status").classList.toggle("wrong", wrong);
}

// The agent's side, from routes that only the demo has: no browser is ever told this.

let seen = "";

async function look() {
  const headers = visitor.token ? { Authorization: "Bearer " + visitor.token } : {};
  const response = await fetch("/demo/agent", { headers, cache: "no-store" });
  if (!response.ok) return;
  const text = await response.text();
  if (text === seen) return; // else whatever is open would close every few seconds
  seen = text;
  const view = JSON.parse(text);
  showContact(view);
  showWhy(view.decisions);
  showPeople(view.people, view.contact?.id);
}

const BELIEVED = {
  claimed: "This visitor only says so: what it writes fills blanks, and replaces nothing.",
  owned: "This visitor made this contact, but nobody vouches for who it is.",
  proven: "The shop’s server vouches that this visitor is this contact.",
};

function showContact({ contact, standing, conversations }) {
  if (!contact) {
    const about = conversations.length
      ? "An anonymous visitor wrote. Once it is identified, the conversation is linked to its contact."
      : "Nobody: a page view makes no contact.";
    at("contact").replaceChildren(
      el("p", "headline", el("strong", "", conversations.length ? "Anonymous visitor" : "Nobody yet")),
      el("p", "empty", about),
    );
    return;
  }
  const facts = el("dl", "facts");
  const { provenance } = contact;
  for (const field of PROFILE) {
    if (contact[field] !== null) facts.append(fact(field, contact[field], provenance[field]));
  }
  for (const [appId, block] of Object.entries(contact.custom_data)) {
    for (const [key, value] of Object.entries(block)) {
      facts.append(fact(key, JSON.stringify(value), provenance["custom_data." + appId + "." + key], "custom"));
    }
  }
  at("contact").replaceChildren(
    el(
      "p", "headline",
      el("strong", "", contact.name ?? contact.email ?? contact.external_id ?? contact.id),
      chip(contact.standing),
      conversations.length ? el("span", "chip", counted(conversations.length, "conversation")) : null,
    ),
    el("p", "hint", BELIEVED[standing] + " Every value remembers how far it is believed, when it was written, and by whom."),
    facts,
  );
}

function fact(name, value, origin, kind = "") {
  return el(
    "div", "",
    el("dt", kind, name),
    el("dd", "value " + kind, String(value)),
    el("dd", "", chip(origin.standing)),
    source(origin),
  );
}

const WRITERS = { visitor: "a browser", "identity-key": "a signed call", "api-key": "the shop’s server" };

function source({ at: time, by }) {
  const element = el("dd", "source", "by " + (WRITERS[by.split(":")[0]] ?? by) + ", " + clock(time));
  element.title = by;
  return element;
}

function showWhy(decisions) {
  const list = decisions.map((decision, index) => {
    const summary = el(
      "summary", "",
      el("span", "", decision.matched_by === "created" ? "Nobody matched: a new contact" : "Matched by " + decision.matched_by),
      chip(decision.standing),
      el("span", "when", clock(decision.at)),
    );
    const reasons = el("ul", "reasons");
    for (const step of decision.steps) {
      reasons.append(el("li", "", el("span", "who", step.stage + " · " + step.plugin), el("span", "", step.answer)));
    }
    for (const field of decision.fields) {
      reasons.append(el("li", "", chip(field.verdict), el("span", "", el("b", "", field.field), ": " + field.reason)));
    }
    const details = el("details", "", summary, reasons);
    details.open = index === 0;
    return details;
  });
  const empty = el("p", "empty", "Each decision about this person will be explained here: who was asked, and what became of each field.");
  at("why").replaceChildren(el("h3", "", "Why"), ...(list.length ? list : [empty]));
}

function showPeople(people, here) {
  const rows = people.map((person) =>
    el(
      "li", "",
      el(
        "span", "who",
        el("b", "", person.name ?? person.external_id ?? "No name"),
        person.id === here ? el("span", "chip here", "this visitor") : null,
        person.email ? el("span", "mail", person.email) : null,
      ),
      chip(person.standing),
    ),
  );
  at("people").replaceChildren(
    el("h3", "", "Everybody the shop knows"),
    rows.length ? el("ul", "folk", ...rows) : el("p", "empty", "Nobody yet."),
  );
}

// Wiring.

async function perform(action) {
  const buttons = document.querySelectorAll("button");
  buttons.forEach((button) => (button.disabled = true));
  try {
    await action();
  } catch (error) {
    say(error instanceof Refused ? error.message : "hullo cannot be reached; is it still running?", true);
  }
  buttons.forEach((button) => (button.disabled = false));
  await look().catch(() => {});
}

at("write").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = at("text").value.trim();
  if (text) perform(async () => { await write(text); at("text").value = ""; });
});

at("claim").addEventListener("submit", (event) => {
  event.preventDefault();
  const [email, name, plan] = ["email", "name", "plan"].map((id) => at(id).value.trim());
  const identity = { email };
  if (name) identity.name = name;
  if (plan) identity.custom_data = { plan };
  perform(() => identify(identity, name || email));
});

at("logins").addEventListener("click", (event) => {
  const login = event.target.closest("button")?.dataset.login;
  if (login) perform(() => logIn(login));
});

at("reset").addEventListener("click", () => perform(logOut));

setInterval(() => {
  if (!document.hidden) look().catch(() => {});
}, 4000);

perform(join);
