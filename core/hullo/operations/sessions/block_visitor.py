"""Block of a visitor, which is one browser in one app, and its end."""

from __future__ import annotations

from msgspec.structs import replace

from hullo.errors import NotFound
from hullo.model.app import AppId
from hullo.model.block import Block
from hullo.model.change_set import Change, ChangeSet, replacement
from hullo.model.decision import Decision
from hullo.model.operation import Apps, PreparedOperation
from hullo.model.request_context import RequestContext
from hullo.model.snapshot import Snapshot, SnapshotQuery
from hullo.model.visitor import Session, VisitorId
from hullo.rules.events import next_audit_entry
from hullo.store.protocol import ContactReads
from hullo.value import Value


def find_visitor(
    store: ContactReads, workspace_id: str, visitor_id: VisitorId, *, app_id: AppId | None = None
) -> Session:
    """Find the session of a visitor of the workspace, and of the app if one is named. Raises `NotFound`."""
    session = store.find_visitor_session(workspace_id, visitor_id)
    # One error for both: a key of one app must not learn what other apps have.
    if session is None or app_id not in {None, session.app_id}:
        raise _no_session_left()
    return session


class BlockVisitor(Value):
    """Block of a visitor: it can no longer write or identify, and neither can those that its browser becomes by a
    reset. A repeat with the same reason, or none, writes nothing (W9)."""

    session: Session
    """The visitor's, as the caller has found it."""
    by: str
    """As in `Fact.by`."""
    reason: str | None
    context: RequestContext

    def prepare(self, apps: Apps) -> PreparedOperation[Session]:  # noqa: ARG002 - needs no app
        """Build the query. The caller has checked that it may block visitors of this app."""
        return PreparedOperation(query=_query(self.session), decide=self._decide)

    def _decide(self, snapshot: Snapshot) -> Decision[Session]:
        """Block it. Raises `NotFound` where retention has deleted the session since."""
        session = _require_session(snapshot)
        # One that was taken over from a contact ends with that: this visitor gets one of its own.
        held = None if session.block is None or session.block.of_contact else session.block
        if held is not None and self.reason in {None, held.reason}:
            return Decision(result=session)
        block = Block(
            # The id stays, as other sessions may have this block too.
            id=held.id if held is not None else self.context.new_id("blk"),
            at=self.context.now,
            by=self.by,
            reason=self.reason,
        )
        # Versioned. Race: a reset that was decided before this meets another version, and hands the block over.
        change = replacement(session, replace(session, block=block))
        return _decision(snapshot, change, self.context, self.by, self.reason, ())


class UnblockVisitor(Value):
    """End of a visitor's block, also for the visitors that took it over. Harmless to repeat."""

    session: Session
    """As in `BlockVisitor`."""
    by: str
    reason: str | None
    context: RequestContext

    def prepare(self, apps: Apps) -> PreparedOperation[Session]:  # noqa: ARG002 - needs no app
        """Build the query. The caller has checked that it may block visitors of this app."""
        return PreparedOperation(query=_query(self.session), decide=self._decide)

    def _decide(self, snapshot: Snapshot) -> Decision[Session]:
        """Unblock it. Raises `NotFound` where retention has deleted the session since."""
        session = _require_session(snapshot)
        # W9: nothing to end, so nothing for the audit log either.
        if session.block is None:
            return Decision(result=session)
        change = replacement(session, replace(session, block=None))
        # The block of a contact stays with its other browsers, and with the contact.
        lifted = () if session.block.of_contact else (session.block.id,)
        return _decision(snapshot, change, self.context, self.by, self.reason, lifted)


def _query(session: Session) -> SnapshotQuery:
    return SnapshotQuery(
        workspace_id=session.workspace_id, app_id=None, session=session.digest, include_audit_head=True
    )


def _require_session(snapshot: Snapshot) -> Session:
    if snapshot.session is None:
        raise _no_session_left()
    return snapshot.session


def _no_session_left() -> NotFound:
    return NotFound("no such visitor, or its session was deleted: then no browser can write as it")


def _decision(
    snapshot: Snapshot,
    change: Change[Session],
    context: RequestContext,
    by: str,
    reason: str | None,
    lifted: tuple[str, ...],
) -> Decision[Session]:
    session = change.after
    # No event: a visitor has no timeline, and webhooks hear of people only.
    entry = next_audit_entry(
        snapshot,
        context,
        session.workspace_id,
        by=by,
        action="visitor.unblocked" if session.block is None else "visitor.blocked",
        subject=session.visitor_id,
        reason=reason,
    )
    return Decision(
        result=session, change_set=ChangeSet(sessions=(change,), lifted_blocks=lifted, audit_entries=(entry,))
    )
