"""The rules as invariants over what a small world stores and answers. Shares no code with `decide`."""

from __future__ import annotations

from collections.abc import Iterator

from calls import EMAILS, EXTERNAL_IDS, Call
from small_world import Answer, SmallWorld, State
from truth import Truth

from hullo.model.contact import Contact
from hullo.model.conversation import Conversation
from hullo.model.fact import Fact
from hullo.model.request_context import secret_digest
from hullo.model.standing import Standing
from hullo.model.visitor import Session
from hullo.value import Value

NAMES = (*EXTERNAL_IDS, *EMAILS)


class Step(Value):
    """One call with the states around it."""

    world: SmallWorld
    before: State
    call: Call
    answer: Answer
    after: State
    truth: Truth
    """After the call."""

    def owner(self, name: str, state: State) -> Contact | None:
        """Return the contact that the store finds by an identifier."""
        contact_id = state.tables.identifiers.get(self.world.digest(name))
        return state.tables.contacts[contact_id] if contact_id is not None else None

    def session(self, name: str) -> Session:
        """Return the stored session of a browser, after the call."""
        return self.after.tables.sessions[secret_digest(self.after.tokens[name])]


def violations(step: Step) -> Iterator[str]:
    """Yield a sentence for each rule that one call broke."""
    for check in (
        _identifiers_have_one_owner,
        _contacts_have_one_external_id,
        _proof_reaches_its_person,
        _proven_identifiers_stay,
        _claims_replace_nothing_proven,
        _site_values_follow_their_identifier,
        _sessions_read_what_they_proved,
        _conversations_are_linked,
        _one_login_leaves_one_contact,
    ):
        for violation in check(step):
            yield f"{check.__name__.strip('_').replace('_', ' ')}: {violation}"


def _identifiers_have_one_owner(step: Step) -> Iterator[str]:
    """R1, G3."""
    tables = step.after.tables
    held: dict[str, str] = {}
    for contact in tables.contacts.values():
        digests = contact.identifier_digests()
        if contact.merged_into is not None and (
            digests or contact.profile or contact.merged_into not in tables.contacts
        ):
            yield f"{contact.id} was merged and still holds values"
        for digest in digests:
            if digest in held:
                yield f"{contact.id} and {held[digest]} hold one identifier"
            held[digest] = contact.id
    if held != tables.identifiers:
        yield "the index differs from the contacts"


def _contacts_have_one_external_id(step: Step) -> Iterator[str]:
    """C2, C6: no rule makes one person of two external ids."""
    for contact in step.after.tables.contacts.values():
        if sum(kind == "external_id" for kind, _ in contact.all_identifiers()) > 1:
            yield f"{contact.id} has two external ids"


def _proof_reaches_its_person(step: Step) -> Iterator[str]:
    """M1, M2, V2, C4."""
    call = step.call
    proven = call.proven(email_trusted=False)
    if call.kind != "identify" or step.answer.error is not None or not proven:
        return
    session = step.session(call.caller)
    if session.standing is not Standing.PROVEN:
        yield f"the session is {session.standing}"
    # The external id says who it is; an email beside it may be another person's (C2, C4).
    name = call.external_id if call.external_id in proven else call.email
    assert name is not None
    owner = step.owner(name, step.after)
    if owner is None or owner.id != session.contact_id:
        yield f"the session is about {session.contact_id}, and {name} leads to {owner and owner.id}"
    elif _identifier_fact(owner, name).standing is not Standing.PROVEN:
        yield f"{name} is not proven on {owner.id}"


def _proven_identifiers_stay(step: Step) -> Iterator[str]:
    """C2, C4, C6: what is proven moves by merge, undo and erasure only."""
    if step.call.kind in {"erase", "undo"}:
        return
    for name in NAMES:
        before, after = step.owner(name, step.before), step.owner(name, step.after)
        if before is None or _identifier_fact(before, name).standing is not Standing.PROVEN:
            continue
        owner = _current(before.id, step.after)
        if after is None and _replaces_email(step, owner, name):
            continue
        if after is None or after.id != owner:
            yield f"{name} went from {before.id} to {after and after.id}"
        # J: on the contact that it is joined to, the email of a record is a claim.
        elif _identifier_fact(after, name).standing is not Standing.PROVEN and after.id == before.id:
            yield f"{name} is no longer proven on {after.id}"


def _replaces_email(step: Step, owner: str, name: str) -> bool:
    """W1: the site's server, which may name another email for a person, releases the former one."""
    call = step.call
    if call.kind != "upsert" or call.external_id is None or call.email in {None, name}:
        return False
    named = step.owner(call.external_id, step.after)
    return named is not None and named.id == owner


def _claims_replace_nothing_proven(step: Step) -> Iterator[str]:
    """W2, W4."""
    outcome = step.answer.outcome
    if outcome is None or step.call.caller == "server" or outcome.standing is Standing.PROVEN:
        return
    for contact in step.before.tables.contacts.values():
        later = step.after.tables.contacts[contact.id]
        if later.merged_into is not None:
            if contact.merged_into is None:
                yield f"a claim merged {contact.id}"
            continue
        for field, fact in _values(contact).items():
            if fact.standing is Standing.PROVEN and _values(later).get(field) != fact:
                yield f"a claim changed {field} of {contact.id}"


def _site_values_follow_their_identifier(step: Step) -> Iterator[str]:
    """J, W2: what the site wrote about an identifier is proven where that identifier is, and claimed where that is."""
    for contact in step.after.tables.contacts.values():
        if contact.merged_into is not None:
            continue
        values = contact.custom_data.get(step.world.app_key, {})
        for name, key in step.truth.site_writes:
            owned = any(fact.value == name for _, fact in contact.all_identifiers())
            fact = values.get(key)
            if not owned:
                if fact is not None and not _may_keep(step, contact, name):
                    yield f"{contact.id} has {key}, and not {name}"
            elif fact is None:
                yield f"{contact.id} has {name}, and lost {key}"
            elif _identifier_fact(contact, name).standing is Standing.PROVEN:
                if fact.standing is not Standing.PROVEN:
                    yield f"{contact.id} has proven {name}, and {key} is {fact.standing.label}"
            elif fact.standing is Standing.PROVEN:
                yield f"{contact.id} only claims {name}, and {key} is proven"


def _may_keep(step: Step, contact: Contact, name: str) -> bool:
    # A server call that named both wrote about both.
    return step.truth.is_one_person({name}, {str(fact.value) for _, fact in contact.all_identifiers()})


def _sessions_read_what_they_proved(step: Step) -> Iterator[str]:
    """H1, C5, J: another visitor's conversation is readable by a chain of proofs alone."""
    for browser in step.after.tokens:
        session = step.session(browser)
        for conversation in step.after.tables.conversations.values():
            if conversation.visitor_id == session.visitor_id or not _readable(conversation, session):
                continue
            mine = step.truth.proven_by.get(session.visitor_id, frozenset())
            theirs = step.truth.proven_by.get(conversation.visitor_id, frozenset())
            if not step.truth.is_one_person(mine, theirs):
                yield f"{browser} reads {conversation.id}, and proofs {sorted(mine)} do not lead to {sorted(theirs)}"


def _readable(conversation: Conversation, session: Session) -> bool:
    return (
        session.standing is Standing.PROVEN
        and conversation.contact_id == session.contact_id
        and conversation.link_standing is Standing.PROVEN
    )


def _conversations_are_linked(step: Step) -> Iterator[str]:
    """L1, L3."""
    if step.call.caller == "server" or step.answer.error is not None:
        return
    session = step.session(step.call.caller)
    if session.contact_id is None:
        return
    for conversation in step.after.tables.conversations.values():
        if conversation.visitor_id == session.visitor_id and conversation.contact_id is None:
            yield f"{conversation.id} of an identified visitor has no contact"


def _one_login_leaves_one_contact(step: Step) -> Iterator[str]:
    """C1, C3, C8, J: a site that only says true things has each person once, and no open conflict."""
    call = step.call
    if step.truth.email_match == "proven" or call.kind != "identify" or call.evidence == "none":
        return
    # The login that a site sends: its own id, signed, and the email beside it.
    if call.external_id is None or call.email is None or not all(map(_is_true, step.truth.calls)):
        return
    # Who typed another person's email before logging in has said something false.
    typed = {(earlier.caller, earlier.email) for earlier in step.truth.calls if earlier.source == "prompt"}
    if any(
        _person(later) not in {None, email}
        for caller, email in typed
        for later in step.truth.calls
        if later.caller == caller
    ):
        return
    # An email that its owner proved alone is the owner's: an id beside it says nothing about that mailbox (C3, C4).
    attested = any(
        earlier.email == call.email and earlier.external_id is None and earlier.evidence != "none"
        for earlier in step.truth.calls
    )
    if attested and call.evidence != "token":
        return
    owners = {
        owner.id for name in (call.external_id, call.email) if (owner := step.owner(name, step.after)) is not None
    }
    if len(owners) != 1:
        yield f"{call.external_id} and {call.email} lead to {len(owners)} contacts"
    for conflict in step.after.tables.conflicts.values():
        if conflict.id not in step.before.tables.conflicts:
            yield f"a conflict by {conflict.rule} is new"


def _is_true(call: Call) -> bool:
    """Return whether a call says nothing false: no external id beside the other person's email, and no agent's work."""
    if call.kind in {"erase", "undo"}:
        return False
    return call.external_id is None or call.email is None or call.email.startswith(call.external_id)


def _person(call: Call) -> str | None:
    """Return the email of the person that a call names. None where it names none."""
    return call.email or (f"{call.external_id}@example.com" if call.external_id is not None else None)


def _identifier_fact(contact: Contact, name: str) -> Fact:
    return next(fact for _, fact in contact.all_identifiers() if fact.value == name)


def _values(contact: Contact) -> dict[str, Fact]:
    values = {f"{app}.{key}": fact for app, block in contact.custom_data.items() for key, fact in block.items()}
    return {**contact.profile, **{f"{kind} {fact.value}": fact for kind, fact in contact.all_identifiers()}, **values}


def _current(contact_id: str, state: State) -> str:
    while (survivor := state.tables.contacts[contact_id].merged_into) is not None:
        contact_id = survivor
    return contact_id
