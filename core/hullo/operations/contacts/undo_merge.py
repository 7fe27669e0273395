"""Undo of a merge, at any later time (G2)."""

from __future__ import annotations

from functools import partial
from itertools import takewhile

from msgspec.structs import replace

from hullo.errors import Conflicting, NotFound
from hullo.model.change_set import insertion
from hullo.model.conflict import Conflict, pair_key
from hullo.model.contact import Contact
from hullo.model.decision import Decision
from hullo.model.decision_record import DecisionRecord
from hullo.model.identifier import EMAIL
from hullo.model.instant import Instant
from hullo.model.merge import Merge
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.model.tombstone import tombstone_digest
from hullo.operations.contacts.merge import MANUAL_RULE
from hullo.rules.merging.joins import joins_of
from hullo.rules.merging.split import ChangedField
from hullo.rules.merging.undo import undo_merge
from hullo.store.protocol import Store
from hullo.store.reading import iter_pages
from hullo.value import Value


def decisions_since(store: Store, merge: Merge) -> tuple[DecisionRecord, ...]:
    """Read the decisions about the survivor since the merge, the newest first."""
    decisions = iter_pages(lambda page: store.list_decisions(merge.workspace_id, merge.survivor_id, page))
    return tuple(takewhile(lambda decision: decision.at > merge.at, decisions))


class UndoMergeResult(Value):
    """The two contacts after the undo."""

    merge: Merge
    survivor: Contact
    restored: Contact
    changed_since: tuple[ChangedField, ...]


class UndoMerge(Value):
    """Undo of `merge`, as read a moment ago: its images name the identifiers to look up.

    Several merges into one contact can be undone in any order. In a chain only the last one can be: a survivor that was
    itself absorbed has no data to give back.
    """

    merge: Merge
    writer: str
    context: RequestContext
    request_id: str
    decisions: tuple[DecisionRecord, ...] = ()
    """Those about the survivor since the merge (`decisions_since`): what calls about the absorbed contact wrote goes
    back with it (G2)."""

    def prepare(self, apps: Apps) -> PreparedOperation[UndoMergeResult]:
        """Build the query."""
        merge = self.merge
        salt = apps.workspace_salt(merge.workspace_id)
        absorbed, survivor = (
            frozenset(tombstone_digest(salt, digest) for digest in image.identifier_digests())
            for image in (merge.absorbed_before, merge.survivor_before)
        )
        # A call that named both contacts says nothing about whose its values are.
        returning = frozenset(
            decision.at
            for decision in self.decisions
            if not absorbed.isdisjoint(decision.trace.named) and survivor.isdisjoint(decision.trace.named)
        )
        query = SnapshotQuery(
            workspace_id=merge.workspace_id,
            app_id=None,
            contacts=(merge.survivor_id, merge.absorbed_id),
            # Who has them today decides which ones can go back (G2).
            identifiers=tuple(merge.absorbed_before.identifier_digests()),
            # Joins that an image shows may have ended since: their values must not come back (J).
            merges=(merge.id, *joins_of(merge.absorbed_before), *joins_of(merge.survivor_before)),
            # Other merges fill the places that become free.
            merged_into=(merge.survivor_id,),
            include_audit_head=True,
        )
        return PreparedOperation(query=query, decide=partial(self._decide, returning))

    def _decide(self, returning: frozenset[Instant], snapshot: Snapshot) -> Decision[UndoMergeResult]:
        """Split the two. Raises `NotFound` for a merge of erased contacts, and `Conflicting` for a merge that was
        undone, or is not the last of its chain."""
        # The stored merge, not the one that was read before: it may have been undone since.
        merge = snapshot.merges.get(self.merge.id)
        survivor, absorbed = (
            snapshot.contacts.get(contact_id) for contact_id in (self.merge.survivor_id, self.merge.absorbed_id)
        )
        # P2: an erasure removed the images, so there is nothing to restore.
        if merge is None or survivor is None or absorbed is None:
            raise NotFound("no such merge")
        if not merge.is_active:
            raise Conflicting("this merge has been undone already")
        if survivor.merged_into is not None:
            raise Conflicting(
                f"{survivor.id} has itself become part of {survivor.merged_into} since: undo that merge first"
            )
        # Clocks of processes differ: the undo must sort after the last change of both.
        context = self.context.at_least(max(survivor.updated_at, absorbed.updated_at))
        undo = undo_merge(
            merge,
            survivor,
            absorbed,
            snapshot,
            context,
            by=self.writer,
            request_id=self.request_id,
            plugin=MANUAL_RULE,
            answer=f"{absorbed.id} is no part of {survivor.id} now (G2)",
            # A join keeps what its site wrote in the record itself (J).
            returning=returning if merge.joined_by is None else frozenset(),
        )
        changes = undo.changes
        # J: an agent who splits a join says that they are two, and the next call must not join them again.
        if merge.joined_by is not None and pair_key(survivor.id, absorbed.id) not in snapshot.reported_pairs:
            changes = replace(changes, conflicts=(insertion(self._kept_apart(merge, context)),))
        return Decision(
            result=UndoMergeResult(
                merge=changes.merges[0].after,
                survivor=changes.contacts[0].after,
                restored=changes.contacts[1].after,
                changed_since=undo.split.changed_since,
            ),
            change_set=changes,
            build_trace=lambda: undo.trace,
        )

    def _kept_apart(self, merge: Merge, context: RequestContext) -> Conflict:
        return Conflict(
            id=context.new_id("cfl"),
            workspace_id=merge.workspace_id,
            app_id=None,
            contact_id=merge.survivor_id,
            other_id=merge.absorbed_id,
            field=EMAIL,
            rule=merge.rule,
            created_at=context.now,
            digest=merge.joined_by,
            status="resolved",
            resolution="keep",
            resolved_at=context.now,
            resolved_by=self.writer,
        )
