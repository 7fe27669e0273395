"""A small world to act in: one app, its visitors, its server and an agent, on any store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from hullo.application import Hullo
from hullo.model.audit import AuditEntry
from hullo.model.change_set import ChangeSet
from hullo.model.claim import Claim
from hullo.model.conflict import Conflict, ConflictResolution
from hullo.model.contact import Contact
from hullo.model.conversation import Conversation
from hullo.model.decision import Decision
from hullo.model.instant import Instant
from hullo.model.outcome import Outcome
from hullo.model.request_context import RequestContext, secret_digest
from hullo.operations.admin.register import NewApp
from hullo.operations.contacts.merge import MergeContacts, MergeResult
from hullo.operations.contacts.resolve_conflict import ResolveConflict, ResolvedConflict
from hullo.operations.contacts.undo_merge import UndoMerge, UndoMergeResult, decisions_since
from hullo.operations.conversations.agent_messages import AgentMessage, SendAgentReply
from hullo.operations.conversations.message_records import SentMessage
from hullo.operations.conversations.messages import MarkRead, SendMessage
from hullo.operations.privacy.erase import EraseContact, ErasureMode
from hullo.operations.sessions.issue_token import IssueToken
from hullo.operations.sessions.log_out import LogOutEverywhere
from hullo.operations.sessions.open_session import OpenSession
from hullo.operations.sessions.withdraw_consent import WithdrawConsent
from hullo.pipeline.claim import Upsert
from hullo.rules.session_lifecycle import SessionUpdate
from hullo.store.protocol import ConflictFilter, ContactFilter, PageRequest, Store
from hullo.store.reading import current_contact, iter_pages

AGENT = "agent:ada"


class Clock:
    """Time that passes when told to, and a microsecond at each look, so that no two moments are one."""

    def __init__(self, now: Instant = 1_790_000_000_000_000) -> None:
        self.now = now

    def __call__(self) -> Instant:
        self.now += 1
        return self.now


class World:
    """Everybody who talks to one hullo."""

    opened: ClassVar[list[World]] = []

    @classmethod
    def end(cls) -> None:
        """Closes all that a test has opened, so that nothing of theirs goes on into the next."""
        while cls.opened:
            cls.opened.pop().hullo.close()

    def __init__(self, store: Store, **options: Any) -> None:
        self.clock = Clock()
        self.hullo = Hullo(store, clock=self.clock, **options).open()
        self.opened.append(self)
        self.app: NewApp = self.hullo.create_app("Shop")
        self.api_key = self.hullo.create_api_key(app_key=self.app.app_key).key

    def visitor(self, app: NewApp | None = None) -> Browser:
        """Somebody's browser, never seen before."""
        return Browser(self, app or self.app)

    def sign(self, value: str, app: NewApp | None = None) -> str:
        return self.hullo.user_hash((app or self.app).app_key, value)

    def upsert(self, **body: object) -> Outcome:
        """The site's server writes about somebody, with an API key."""
        moment = self.hullo.new_context()
        work = Upsert(
            claim=Claim.from_body(body),
            key=self.api_key,
            app_id=self.app.app_id,
            context=moment,
            request_id=moment.new_id("req"),
            hooks=self.hullo.hooks,
            limits=self.hullo.settings.limits,
        )
        outcome: Outcome = self.hullo.executor.run(work).result
        return outcome

    def contact(self, contact_id: str) -> Contact:
        found = self.hullo.store.find_contact(self.app.workspace_id, contact_id)
        assert found is not None, f"no contact {contact_id}"
        return found

    def contacts(self) -> tuple[Contact, ...]:
        wanted = ContactFilter(workspace_id=self.app.workspace_id)
        return self.hullo.store.list_contacts(wanted, PageRequest(limit=200)).items

    def conflicts(self) -> list[tuple[str, str]]:
        """(rule, field) of each open conflict."""
        return [(conflict.rule, conflict.field) for conflict in self.open_conflicts()]

    def open_conflicts(self) -> tuple[Conflict, ...]:
        wanted = ConflictFilter(workspace_id=self.app.workspace_id)
        return self.hullo.store.list_conflicts(wanted, PageRequest(limit=200)).items

    def merge(self, survivor_id: str, absorbed_id: str, *, dry_run: bool = False, **options: Any) -> MergeResult:
        """An agent finds that two contacts are one person; ids of people who were absorbed lead to who they are now."""
        moment = self.hullo.new_context()
        work = MergeContacts(
            survivor_id=self.current(survivor_id).id,
            absorbed_id=self.current(absorbed_id).id,
            workspace_id=self.app.workspace_id,
            writer=AGENT,
            context=moment,
            request_id=moment.new_id("req"),
            **options,
        )
        pipeline = self.hullo.executor
        decision: Decision[MergeResult] = pipeline.dry_run(work) if dry_run else pipeline.run(work)
        return decision.result

    def undo(self, merge_id: str) -> UndoMergeResult:
        """An agent finds that they are two."""
        merge = self.hullo.store.find_merge(self.app.workspace_id, merge_id)
        assert merge is not None, f"no merge {merge_id}"
        moment = self.hullo.new_context()
        work = UndoMerge(
            merge=merge,
            writer=AGENT,
            context=moment,
            request_id=moment.new_id("req"),
            decisions=decisions_since(self.hullo.store, merge),
        )
        decision: Decision[UndoMergeResult] = self.hullo.executor.run(work)
        return decision.result

    def erase(self, contact_id: str, conversations: ErasureMode = "erase") -> str:
        """An agent is asked to forget somebody; the id of whom it was about."""
        work = EraseContact.for_contact(
            self.hullo.store,
            self.app.workspace_id,
            contact_id,
            conversations=conversations,
            by=AGENT,
            context=self.hullo.new_context(),
        )
        erased: str = self.hullo.executor.run(work).result
        return erased

    def log_out(self, contact_id: str, workspace_id: str | None = None) -> None:
        """An agent ends all of somebody's sessions."""
        workspace_id = workspace_id or self.app.workspace_id
        moment = self.hullo.new_context()
        self.hullo.executor.run(
            LogOutEverywhere(contact_id=contact_id, workspace_id=workspace_id, by=AGENT, context=moment)
        )

    def audit(self, workspace_id: str | None = None) -> list[AuditEntry]:
        """The log, the oldest entry first."""
        wanted = workspace_id or self.app.workspace_id
        return [*iter_pages(lambda page: self.hullo.store.list_audit(wanted, page))][::-1]

    def settle(self, conflict: Conflict, action: ConflictResolution) -> ResolvedConflict:
        """An agent decides a conflict."""
        moment = self.hullo.new_context()
        work = ResolveConflict(
            conflict_id=conflict.id,
            contact_id=self.current(conflict.contact_id).id,
            other_id=self.current(conflict.other_id).id,
            action=action,
            workspace_id=self.app.workspace_id,
            writer=AGENT,
            context=moment,
            request_id=moment.new_id("req"),
        )
        decision: Decision[ResolvedConflict] = self.hullo.executor.run(work)
        return decision.result

    def current(self, contact_id: str) -> Contact:
        """Who that is by now (G3)."""
        return current_contact(self.hullo.store, self.app.workspace_id, contact_id)

    def reply(self, conversation_id: str, text: str = "Good morning", at: Instant | None = None) -> SentMessage:
        """An agent answers, by a clock that may differ."""
        moment = RequestContext.at(at) if at is not None else self.hullo.new_context()
        message = AgentMessage(text=text, client_id=None, agent=None)
        work = SendAgentReply(key=self.api_key, conversation_id=conversation_id, message=message, context=moment)
        said: SentMessage = self.hullo.executor.run(work).result
        return said

    def tell(self) -> None:
        """Whoever listens has been told of all that is committed, when this returns."""
        self.hullo.outbox_worker.drain()

    def set_app(self, **fields: str) -> None:
        self.hullo.register.change_app(self.app.app_key, fields)

    def custom_data(self, contact_id: str, app: NewApp | None = None) -> dict[str, object]:
        block: Mapping[str, Any] = self.contact(contact_id).custom_data.get((app or self.app).app_id, {})
        return {key: fact.value for key, fact in block.items()}


class Browser:
    """One browser profile: it keeps the session token that it was given last."""

    def __init__(self, world: World, app: NewApp) -> None:
        self.world, self.app = world, app
        self.token: str | None = None
        self.decision: Decision[Outcome] | None = None

    def identify(self, *, signed: str | None = None, **body: object) -> Outcome:
        """`signed` names the field that the site's server put its hash over."""
        if signed is not None:
            body["user_hash"] = self.world.sign(str(body[signed]), self.app)
        self.decision = self.world.hullo.identify(body, app_key=self.app.app_key, session_token=self.token)
        self.token = self.decision.result.session_token or self.token
        return self.decision.result

    @property
    def wrote(self) -> ChangeSet:
        """What the last identify wrote."""
        assert self.decision is not None
        return self.decision.change_set

    def join(self, *, consent: bool = False) -> SessionUpdate:
        return self._attend("join", consent)

    def reset(self) -> SessionUpdate:
        return self._attend("reset")

    def withdraw(self) -> None:
        """The visitor does not agree to be remembered any more."""
        visit = self._visit("reset")
        work = WithdrawConsent(
            app_key=visit.app_key, session_digest=visit.session_digest, origin=None, context=visit.context
        )
        self.world.hullo.executor.run(work)

    def resume(self) -> SessionUpdate:
        return self._attend("resume")

    def token_for(self, audience: NewApp | None = None) -> str:
        """A token that carries this browser's identity to another app, or to another page of its own (T1)."""
        work = IssueToken(
            open_session=self._visit("resume"),
            audience=audience.app_key if audience is not None else None,
            hooks=self.world.hullo.hooks,
        )
        token: str = self.world.hullo.executor.run(work).result
        return token

    def say(self, text: str = "Hello", conversation: str | None = None, client_id: str | None = None) -> SentMessage:
        visitor = self._visit("resume")
        work = SendMessage(open_session=visitor, conversation_id=conversation, text=text, client_id=client_id)
        said: SentMessage = self.world.hullo.executor.run(work).result
        return said

    def read(self, conversation: str) -> Decision[Conversation]:
        """The visitor looks at a conversation."""
        work = MarkRead(open_session=self._visit("resume"), conversation_id=conversation)
        decision: Decision[Conversation] = self.world.hullo.executor.run(work)
        return decision

    def conversations(self) -> tuple[Conversation, ...]:
        """What this browser is shown (H1)."""
        session = self.resume().session
        page = self.world.hullo.store.list_visible_conversations(
            session.visitor_id,
            self.app.app_id,
            session.contact_id if session.is_proven else None,
            PageRequest(),
        )
        return page.items

    def _attend(self, verb: Any, consent: bool = False) -> SessionUpdate:
        visit: SessionUpdate = self.world.hullo.executor.run(self._visit(verb, consent)).result
        self.token = visit.token or self.token
        return visit

    def _visit(self, verb: Any, consent: bool = False) -> OpenSession:
        return OpenSession(
            verb=verb,
            app_key=self.app.app_key,
            session_digest=secret_digest(self.token) if self.token is not None else None,
            origin=None,
            context=self.world.hullo.new_context(),
            consent=consent,
        )
