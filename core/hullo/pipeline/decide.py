"""The decision about an identify call: a pure function of the call and one snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hullo.errors import ProofRejected
from hullo.hooks.relay import Relay
from hullo.model.change_set import Change, changed
from hullo.model.conflict import Conflict, pair_of
from hullo.model.contact import Contact
from hullo.model.conversation import Conversation
from hullo.model.decision import Decision
from hullo.model.fact import TOKEN_WRITER
from hullo.model.identifier import IdentifierDigest
from hullo.model.moment import Moment
from hullo.model.outcome import Outcome
from hullo.model.standing import Standing
from hullo.model.visitor import Session
from hullo.pipeline import visits
from hullo.pipeline.call import Call
from hullo.pipeline.hop import arrive
from hullo.pipeline.merging.absorb import audits_of
from hullo.pipeline.merging.joining import Joining
from hullo.pipeline.privacy.erased import erased_names, names_erased, speaks_as_nobody, untold
from hullo.pipeline.resolve import Resolution, resolve
from hullo.pipeline.story import Story
from hullo.pipeline.visits import Visit
from hullo.pipeline.work import WholeContactsWanted
from hullo.pipeline.writing import Pen, one_of_a_kind, wanted_writes, write
from hullo.store.protocol import Snapshot


def decide(call: Call, hooks: Relay, snapshot: Snapshot) -> Decision[Outcome]:
    """What to write, what to answer and why. No I/O, no clock, no randomness; may run more than once.

    Raises `WholeContactsWanted` when contacts are to become one, and not all is loaded that this takes,
    `SessionRevoked` when the call shows a session that is no longer good, `ProofRejected` for an identity token
    that is not, and `ProofRequired` where one carries less than the app demands.
    """
    now = call.moment.now
    session = None
    if call.app is not None:
        session = visits.valid_session(snapshot, call.session, call.app.id, now)
    if any(once.digest in snapshot.spent for once in call.once):
        raise ProofRejected("this token was used before, and is good for one time", mistake="used_before")
    if call.hop is not None:
        resolution = arrive(call.hop, call, session, snapshot)
    else:
        resolution = resolve(call, session, snapshot, hooks)
    if resolution.merges and snapshot.audit_head is None:
        raise WholeContactsWanted
    carried = resolution.carried
    said = carried.session.claimed if carried is not None else call.said
    visit, switched = _visit(call, session, resolution, said)
    writer = _writer(call, visit)
    moment = _moment(call, resolution)
    contact, joinings = _joined(resolution, moment, writer) or (_new_contact(call, visit, writer), ())
    standing = _standing(call, resolution, visit, contact)
    was_erased = names_erased(call, resolution, snapshot)
    unheard = was_erased and standing < Standing.PROVEN

    pen = Pen(
        by=writer,
        at=moment.now,
        standing=standing,
        app=call.app,
        stated=call.stated,
        attributes=call.attributes,
        attribute_standing=_attribute_standing(standing, contact),
        signed=call.signed,
        visitor=_visitor_writer(visit) if visit is not None else None,
    )
    proven = call.vouched.difference(resolution.unconfirmed)
    gone = () if standing is Standing.PROVEN or was_erased else erased_names(call, resolution, snapshot)
    mine = one_of_a_kind((each for each in resolution.own if each not in gone), contact)
    own = [(identifier, identifier in proven) for identifier in mine]
    withheld = [
        *resolution.withheld,
        *(collision.field for collision in resolution.collisions),
        *(identifier.kind for identifier in gone),
    ]
    wanted = wanted_writes(call.claim, contact, pen, own, withheld, found_by=resolution.matched_by)
    is_new = resolution.contact is None
    written = write(call.claim, contact, is_new, pen, wanted, hooks)

    identified = False
    if visit is not None:
        identified = visit.session.contact_id != contact.id
        proved = carried.proved if carried is not None else _proved(call, resolution)
        whose, believed = (None, Standing.CLAIMED) if unheard else (contact.id, standing)
        visit = visits.identified(visit, whose, believed, said, proved, now, call.salt)
    links, linkers = _links(call, _link_standing(call, standing), contact, session, switched, snapshot, hooks)
    conflicts = _conflicts(call, resolution, contact, snapshot)
    story = Story(
        call=call,
        moment=moment,
        resolution=resolution,
        contact=contact,
        joinings=joinings,
        written=written,
        writer=writer,
        visit=visit,
        left=session,
        switched=switched,
        identified=identified,
        links=links,
        linkers=linkers,
        conflicts=conflicts,
        standing=standing,
        recreated=was_erased and not unheard,
        audits=audits_of(joinings, snapshot),
    )
    return untold(story.decision()) if unheard else story.decision()


def _visit(
    call: Call, session: Session | None, resolution: Resolution, said: Mapping[str, IdentifierDigest]
) -> tuple[Visit | None, bool]:
    if call.server is not None or call.app is None:
        return None, False
    if session is None:
        return visits.begin(call.workspace_id, call.app.id, call.moment), False
    target = resolution.contact.id if resolution.contact else None
    standing = Standing.PROVEN if resolution.proven else Standing.CLAIMED
    same_person = any(session.contact_id == each.other.id for each in resolution.merges)
    if not same_person and visits.switches(session, target, standing, said, call.salt):
        return visits.begin(call.workspace_id, call.app.id, call.moment), True
    return visits.go_on(session, call.moment.now), False


def _moment(call: Call, resolution: Resolution) -> Moment:
    """The call's, or a moment after whatever is to change: whose clock is behind does not come before it."""
    stored = (
        resolution.contact,
        *(each.other for each in resolution.merges),
        *(each.contact for each in resolution.displaced),
    )
    return call.moment.not_before(max((each.updated_at for each in stored if each is not None), default=0))


def _joined(resolution: Resolution, moment: Moment, writer: str) -> tuple[Contact, tuple[Joining, ...]] | None:
    """The contact with everybody in it whom it absorbs. None where it is somebody new."""
    contact = resolution.contact
    if contact is None:
        return None
    joinings: list[Joining] = []
    for ordinal, each in enumerate(resolution.merges):
        joining = Joining(
            merge_id=moment.new_id("mrg", ordinal),
            survivor=contact,
            absorbed=each.other,
            at=moment.now,
            by=writer,
            rule=each.rule,
        )
        joinings.append(joining)
        contact = joining.joined
    return contact, tuple(joinings)


def _standing(call: Call, resolution: Resolution, visit: Visit | None, contact: Contact) -> Standing:
    if call.server is not None or resolution.proven:
        return Standing.PROVEN
    # Somebody else became part of a contact that has absorbed: what they had is not its maker's to change.
    if visit is not None and contact.created_by == _visitor_writer(visit) and not contact.absorbed:
        return Standing.OWNED
    return Standing.CLAIMED


def _attribute_standing(standing: Standing, contact: Contact) -> Standing:
    """How far an attribute is believed that is vouched for itself, and says nothing about who the person is (V2, V6).

    Of a contact whom nobody has proven yet, whoever made it may say so; of anybody else, only the proven.
    """
    nobodys = standing is Standing.OWNED and contact.standing < Standing.PROVEN
    return Standing.PROVEN if nobodys else standing


def _link_standing(call: Call, standing: Standing) -> Standing:
    """What was said here before somebody came by a link is not for others to read who are the same person: the link
    may be theirs, and whoever followed it somebody else (H1)."""
    return standing if call.claim.identity_token is None else Standing.CLAIMED


def _proved(call: Call, resolution: Resolution) -> list[IdentifierDigest]:
    return [call.digests[each] for each in resolution.own if each in call.vouched]


def _writer(call: Call, visit: Visit | None) -> str:
    if call.server is not None:
        return call.server
    assert visit is not None, "whoever is no server has a visit"
    vouching = [proof for proof in call.proofs if proof.key_id is not None and any(map(proof.covers, call.named))]
    proof = next((each for each in vouching if each.states is not None), vouching[0] if vouching else None)
    if proof is None:
        return _visitor_writer(visit)
    return f"{TOKEN_WRITER if proof.states is not None else 'identity-key:'}{proof.key_id}"


def _visitor_writer(visit: Visit) -> str:
    return f"visitor:{visit.session.visitor_id}"


def _new_contact(call: Call, visit: Visit | None, writer: str) -> Contact:
    now = call.moment.now
    return Contact(
        id=call.moment.new_id("con"),
        workspace_id=call.workspace_id,
        created_at=now,
        updated_at=now,
        last_seen_at=now,
        created_by=_visitor_writer(visit) if visit is not None else writer,
    )


def _links(
    call: Call,
    standing: Standing,
    contact: Contact,
    session: Session | None,
    switched: bool,
    snapshot: Snapshot,
    hooks: Relay,
) -> tuple[tuple[Change[Conversation], ...], tuple[str, ...]]:
    """What is linked, and by which plugins."""
    if session is None or switched or not snapshot.conversations:
        return (), ()
    if speaks_as_nobody(session) and standing < Standing.PROVEN:
        return (), ()  # what somebody who was erased is claimed to have said is for a proof to give away
    orphans = [
        each
        for each in snapshot.conversations.values()
        if each.contact_id is None and each.visitor_id == session.visitor_id
    ]
    chosen = hooks.link_conversations(call.claim, standing, session.visitor_id, orphans)
    links = tuple(
        changed(each, replace(each, contact_id=contact.id, link_standing=standing))
        for each in orphans
        if each.id in chosen
    )
    return links, tuple(dict.fromkeys(chosen.values()))


def _conflicts(call: Call, resolution: Resolution, contact: Contact, snapshot: Snapshot) -> tuple[Conflict, ...]:
    conflicts: dict[str, Conflict] = {}
    for collision in resolution.collisions:
        pair = pair_of(contact.id, collision.other.id)
        if pair in snapshot.open_pairs or pair in conflicts:
            continue
        conflicts[pair] = Conflict(
            id=call.moment.new_id("cfl", len(conflicts)),
            workspace_id=call.workspace_id,
            app_id=call.app.id if call.app else None,
            contact_id=contact.id,
            other_id=collision.other.id,
            field=collision.field,
            rule=collision.rule,
            digest=call.digests[collision.identifier],
            created_at=call.moment.now,
        )
    return tuple(conflicts.values())
