"""The bodies of responses about sessions, conversations, apps and the audit log, and the base of all of them.

The OpenAPI document is made of these classes, so every field has a description. Responses about contacts are in
`contact_schemas` and `history_schemas`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Final, Generic, Self, TypeVar, get_args, get_origin, get_type_hints

from msgspec import UNSET, Meta, UnsetType, convert
from msgspec.structs import fields as struct_fields

from hullo.api.field_types import (
    AppId,
    Consent,
    ContactId,
    ConversationId,
    Count,
    EmailMatches,
    Field,
    MatchedBy,
    MessageId,
    Mode,
    PublicStanding,
    RequestId,
    Rule,
    SessionToken,
    SignatureLabel,
    StandingLabel,
    Time,
    VisitorId,
    WorkspaceId,
    Writer,
    const,
    one_of,
)
from hullo.engine.explain import CheckResult
from hullo.model.app import App, VerificationMode
from hullo.model.change_set import CallCount
from hullo.model.conversation import Author, Conversation, Message, Status
from hullo.model.decision import Decision
from hullo.model.instant import Instant, format_optional_rfc3339, format_rfc3339
from hullo.model.limits import Limits
from hullo.model.match import CREATED
from hullo.model.outcome import Outcome
from hullo.model.standing import Standing
from hullo.model.visitor import Session
from hullo.operations.admin.app_settings import consent_label, retention_days
from hullo.rules.session_lifecycle import SessionUpdate
from hullo.value import Value

JsonObject = dict[str, Any]

CALL_COUNT_DAYS: Final = 7
"""How many days an app's call counts cover."""

# What marks the two types of values that are sent as texts.
_TIME: Final = get_args(Time)[1]
_STANDING: Final = get_args(StandingLabel)[1]

_CLAIMED: Final = Standing.CLAIMED.public_label
_PROVEN: Final = Standing.PROVEN.public_label

ItemBody = TypeVar("ItemBody")


# Closed, so that the document says it too: there are no further fields.
class ResponseBody(Value, forbid_unknown_fields=True):
    """An object in a response. In the document it has the name of its class, without `Response`."""

    @classmethod
    def of_same(cls, source: object, **others: object) -> Self:
        """Make one from the attributes of a value that are called as the fields are; `others` stand for those that are
        not. Times, standings and values in fields of other bodies are converted."""
        converters = converters_of(cls)
        if not converters and not others:
            return convert(source, cls, from_attributes=True)
        values = {name: others[name] if name in others else getattr(source, name) for name in cls.__struct_fields__}
        for name, converted in converters.items():
            values[name] = converted(values[name])
        return cls(**values)

    @classmethod
    def of_each(cls, values: Iterable[object]) -> list[Self]:
        """Make one of every value, as `of_same` does."""
        # Most are empty on the way of an identify, and that is quicker than an empty loop.
        return [cls.of_same(value) for value in values] if values else []


@cache
def converters_of(body: type[ResponseBody]) -> Mapping[str, Callable[[Any], Any]]:
    """Find the fields whose values are not sent as they are, and how to convert them."""
    hints = get_type_hints(body, include_extras=True)
    optional = {field.name for field in struct_fields(body) if field.default is UNSET}
    found = {name: _converter(hints[name], name in optional) for name in body.__struct_fields__}
    return {name: converter for name, converter in found.items() if converter is not None}


def _converter(hint: Any, is_optional: bool) -> Callable[[Any], Any] | None:
    """Return how a value becomes what this type says; None where it is sent as it is."""
    parts = list(_parts(hint))
    if _TIME in parts:
        return lambda value: value if isinstance(value, str) else format_optional_rfc3339(value)
    if _STANDING in parts:
        return lambda value: value.label if isinstance(value, Standing) else value
    inner = next((part for part in parts if isinstance(part, type) and issubclass(part, ResponseBody)), None)
    if inner is not None and dict not in parts:
        # Some bodies are more than the attributes of their value.
        make: Callable[[Any], Any] = getattr(inner, "of", inner.of_same)

        def described(value: Any) -> Any:
            return value if value is None or isinstance(value, ResponseBody) else make(value)

        return (lambda values: [described(value) for value in values]) if list in parts else described
    if list in parts:
        return list
    return (lambda value: UNSET if value is None else value) if is_optional else None


def _parts(hint: Any) -> Iterator[Any]:
    """Yield everything that a type is made of, annotations included."""
    yield get_origin(hint) or hint
    for part in (*get_args(hint), *getattr(hint, "__metadata__", ())):
        yield from _parts(part)


class PageResponse(ResponseBody, Generic[ItemBody]):
    """A list, or a part of one."""

    items: Annotated[list[ItemBody], Meta(description="In the order of the list.")]
    next: Annotated[str | None, Meta(description="The `cursor` of what comes after.")]


class FaultResponse(ResponseBody):
    """What is wrong with one field, or why it was not written."""

    field: Field
    reason: Annotated[str, Meta(description="For people.")]


class StepResponse(ResponseBody):
    """What one plugin answered at one stage."""

    stage: Annotated[str, Meta(description="As `match` or `policy`.")]
    plugin: Annotated[str, Meta(description="The plugin's name.")]
    answer: Annotated[str, Meta(description="For people, without personal values.")]


Rejected = Annotated[list[FaultResponse], Meta(description="What was left out, and why: faults of the call alone.")]
Written = Annotated[list[str], Meta(description="The fields that changed.")]
Kept = Annotated[list[FaultResponse], Meta(description="What was not written, as what is stored goes before it.")]
Noted = Annotated[
    list[str],
    Meta(description="Identifiers that stand beside the proof. Whether another contact has them is told to servers."),
]
Steps = Annotated[list[StepResponse], Meta(description="Which plugin answered what, in order.")]


class ClaimedResponse(ResponseBody, kw_only=True, secrets=("session_token",)):
    """The same whether the person is known or not."""

    visitor_id: VisitorId
    session_token: Annotated[
        SessionToken | UnsetType, Meta(description="Where it is new: the one to send from now on.")
    ] = UNSET
    identified: Annotated[bool, const(True), Meta(description="The visitor has said who it is.")]
    # A constant: by it, readers of the document tell this from the response with proof.
    standing: Annotated[str, const(_CLAIMED), Meta(description="Nothing vouches for it.")]
    switched: Annotated[
        bool, Meta(description="Another person than before uses this browser: visitor and session are new.")
    ]
    linked_conversations: Annotated[Count, Meta(description="How many this visitor had begun before.")]
    rejected: Rejected
    request_id: RequestId


class ProvenResponse(ClaimedResponse, kw_only=True):
    """The site's server vouches for who it is."""

    standing: Annotated[str, const(_PROVEN), Meta(description="The site vouches for it.")]
    contact_id: ContactId
    matched_by: MatchedBy
    written: Written
    kept: Kept
    noted: Noted


class NobodyResponse(ResponseBody, kw_only=True, secrets=("session_token",)):
    """No user is logged in on the page."""

    visitor_id: Annotated[VisitorId | None, Meta(description="null where there is no session, and none is made.")]
    session_token: Annotated[
        SessionToken | UnsetType, Meta(description="Where it is new: the one to send from now on.")
    ] = UNSET
    identified: Annotated[bool, const(False), Meta(description="No user is. A lead's session goes on as it is.")]
    standing: Annotated[None, const(None), Meta(description="There is no user to be sure of.")] = None
    switched: Annotated[bool, Meta(description="An identified session has ended: visitor and session are new.")]
    linked_conversations: Annotated[int, Meta(ge=0, le=0, description="None.")] = 0
    rejected: Annotated[list[FaultResponse], Meta(max_length=0, description="None.")]
    request_id: RequestId

    @classmethod
    def of(cls, update: SessionUpdate | None, session_token: str | None, request_id: str) -> Self:
        """Describe the session that goes on; `update` None: there is none."""
        return cls(
            visitor_id=update.session.visitor_id if update is not None else None,
            session_token=UNSET if session_token is None else session_token,
            identified=False,
            switched=update is not None and update.token is not None,
            rejected=[],
            request_id=request_id,
        )


def identify_response(outcome: Outcome, session_token: str | None) -> ClaimedResponse | ProvenResponse:
    """Make the identify response. Under anything less than proof it holds nothing that is stored (H2)."""
    assert outcome.visitor_id is not None, "an identify always has a visitor"
    said: JsonObject = {
        "visitor_id": outcome.visitor_id,
        "session_token": UNSET if session_token is None else session_token,
        "identified": True,
        "switched": outcome.switched,
        "linked_conversations": outcome.linked_conversations,
        "rejected": FaultResponse.of_each(outcome.rejected),
        "request_id": outcome.request_id,
    }
    # Below proof nothing of the decision is told: each part would show whether the person was known (H2).
    if outcome.standing is not Standing.PROVEN:
        return ClaimedResponse(**said, standing=_CLAIMED)
    assert outcome.contact_id is not None, "proof always finds or makes a contact"
    return ProvenResponse(
        **said,
        standing=_PROVEN,
        contact_id=outcome.contact_id,
        # H3: another kind of match would tell that the noted identifier is known.
        matched_by=CREATED if outcome.is_found_by_noted else outcome.matched_by,
        written=[verdict.field for verdict in outcome.written if verdict.field not in outcome.noted],
        kept=FaultResponse.of_each([verdict for verdict in outcome.kept if verdict.field not in outcome.noted]),
        noted=list(outcome.noted),
    )


Identified = Annotated[bool, Meta(description="The visitor has said who it is.")]
EmailPrompt = Annotated[
    bool, Meta(description="Whether the widget may ask for an email: false where the app would refuse it unsigned.")
]


class MeResponse(ResponseBody):
    """A visitor, as it sees itself."""

    visitor_id: VisitorId
    identified: Identified
    standing: PublicStanding
    email_prompt: EmailPrompt

    @classmethod
    def of(cls, session: Session, app: App) -> Self:
        """Describe the visitor of a session."""
        return cls(
            visitor_id=session.visitor_id,
            identified=session.is_identified,
            standing=_public_label(session),
            email_prompt=_may_prompt(session, app),
        )


class ConversationFields(ResponseBody):
    """What every description of a conversation has."""

    id: ConversationId
    created_at: Time
    status: Annotated[str, one_of(get_args(Status), "Whether it is open.")]
    last_message_at: Time


class ConversationResponse(ConversationFields):
    """A conversation, as its visitor sees it."""

    unread: Annotated[bool, Meta(description="An agent's message came after what the visitor has read.")]

    @classmethod
    def of(cls, conversation: Conversation) -> Self:
        """Describe a conversation to its visitor."""
        return cls.of_same(conversation, unread=conversation.is_unread)


class MessageResponse(ResponseBody, kw_only=True):
    """A message."""

    id: MessageId
    author: Annotated[str, one_of(get_args(Author), "Which side wrote it.")]
    text: Annotated[str, Meta(description="What was written.")]
    created_at: Time
    agent_name: Annotated[
        str | UnsetType, Meta(description="Of the agent who wrote it, where the agent's call gave a name.")
    ] = UNSET
    client_id: Annotated[str | UnsetType, Meta(description="The sender's own id, where it gave one.")] = UNSET

    @classmethod
    def of(cls, message: Message) -> Self:
        """Describe a message."""
        return cls.of_same(message, agent_name=message.agent.name if message.agent is not None else None)


class BegunConversationResponse(ConversationResponse):
    """A conversation that has just begun."""

    messages: Annotated[list[MessageResponse], Meta(description="The visitor's first message.")]

    @classmethod
    def of_first(cls, conversation: Conversation, message: Message) -> Self:
        """Describe a conversation with its first message."""
        return cls.of_same(conversation, unread=conversation.is_unread, messages=[message])


class WidgetSettingsResponse(ResponseBody):
    """What the app's settings are for the page."""

    message_length: Annotated[Count, Meta(description="The most characters of a message.")]
    consent: Consent
    name: Annotated[str, Meta(description="The app's.")]
    domains: Annotated[
        list[str],
        Meta(
            description="The origins that the app and the other apps of its workspace list: links to them take the "
            "identity along. "
            "`https://*.example.com` stands for every sub-domain."
        ),
    ]

    @classmethod
    def of(cls, app: App, limits: Limits, domains: Sequence[str]) -> Self:
        """Describe what a page may know of its app."""
        return cls(
            message_length=limits.message_length,
            consent=consent_label(app),
            name=app.name,
            # The widget adds the identity to links to these origins, so it has to know them (T2).
            domains=list(domains),
        )


class JoinedResponse(ResponseBody, secrets=("session_token",)):
    """A visitor's session, begun or continued."""

    visitor_id: Annotated[VisitorId | None, Meta(description="null where nothing is stored before the visitor agrees.")]
    session_token: Annotated[
        SessionToken | None,
        Meta(description="To be sent from now on; null where a cookie has it, or there is no visitor."),
    ]
    expires_at: Annotated[Time | None, Meta(description="When the session ends; null where there is none.")]
    identified: Identified
    standing: PublicStanding
    email_prompt: EmailPrompt
    conversations: Annotated[list[ConversationResponse], Meta(description="The visitor's, the newest first.")]
    settings: Annotated[WidgetSettingsResponse, Meta(description="What the page needs to know of the app.")]

    @classmethod
    def of(
        cls,
        session: Session,
        token: str | None,
        conversations: Sequence[Conversation],
        app: App,
        limits: Limits,
        domains: Sequence[str],
    ) -> Self:
        """Describe a session; `token` is the one to use from now on, `domains` are those that links take it to."""
        return cls(
            visitor_id=session.visitor_id,
            session_token=token,
            expires_at=format_rfc3339(session.expires_at),
            identified=session.is_identified,
            standing=_public_label(session),
            email_prompt=_may_prompt(session, app),
            conversations=[ConversationResponse.of(conversation) for conversation in conversations],
            settings=WidgetSettingsResponse.of(app, limits, domains),
        )

    @classmethod
    def anonymous(cls, app: App, limits: Limits) -> Self:
        """Describe that nothing is stored: there is no visitor, and nothing to ask an email for."""
        return cls(
            visitor_id=None,
            session_token=None,
            expires_at=None,
            identified=False,
            standing=None,
            email_prompt=False,
            conversations=[],
            # The other apps stay out: there is no identity to take along.
            settings=WidgetSettingsResponse.of(app, limits, app.origins),
        )


class IdentityTokenResponse(ResponseBody, secrets=("token",)):
    """A token that takes the visitor's identity to another site."""

    token: Annotated[str, Meta(description="Good once.")]
    expires_in: Annotated[Count, Meta(description="Seconds.")]
    parameter: Annotated[str, Meta(description="Under which name an address carries the token.")]


class CallCountsResponse(ResponseBody):
    """Identify calls of the last days, by their evidence (V3)."""

    days: Annotated[Count, Meta(description="How many days are counted.")]
    signed: Annotated[Count, Meta(description="With evidence that is right.")]
    unsigned: Annotated[Count, Meta(description="Without evidence.")]
    wrong: Annotated[Count, Meta(description="With evidence that is wrong.")]
    signed_percent: Annotated[
        Annotated[float, Meta(ge=0, le=100)] | None, Meta(description="null where there was no call.")
    ]

    @classmethod
    def of(cls, counts: CallCount) -> Self:
        """Describe the sum of an app's counts over `CALL_COUNT_DAYS`."""
        return cls.of_same(counts, days=CALL_COUNT_DAYS)


Days = Annotated[Annotated[int, Meta(ge=1)] | None, Meta(description="Days; null is for ever.")]


class RetentionResponse(ResponseBody):
    """For how long an app keeps what."""

    keep_anonymous_days: Days
    keep_conversation_days: Days
    keep_decision_days: Days
    keep_timeline_days: Days
    keep_contact_days: Days


class AppResponse(ResponseBody):
    """An app, as an API key sees it: without its keys."""

    id: AppId
    app_key: Annotated[AppId, Meta(description="What pages send.")]
    workspace_id: WorkspaceId
    name: Annotated[str, Meta(description="For people.")]
    origins: Annotated[list[str], Meta(description="Whose pages may call. None: those of loopback hosts alone.")]
    verification: Mode
    region: Annotated[str | None, Meta(description="The country of phone numbers without one.")]
    consent: Consent
    email_match: EmailMatches
    protected_keys: Annotated[list[str], Meta(description="What only the site itself writes (W12).")]
    retention: Annotated[RetentionResponse, Meta(description="Days; null is for ever.")]
    created_at: Time
    calls: Annotated[
        CallCountsResponse,
        Meta(description="Identify calls of the last days, by what they had to show for themselves."),
    ]

    @classmethod
    def of(cls, app: App, counts: CallCount) -> Self:
        """Describe an app and its identify calls."""
        return cls.of_same(
            app,
            verification=app.verification.value,
            consent=consent_label(app),
            email_match=app.email_match.value,
            protected_keys=list(app.protected_keys),
            retention=convert(retention_days(app.retention), RetentionResponse),
            calls=counts,
        )


class RefusalResponse(ResponseBody):
    """Why the call would be refused."""

    code: Annotated[str, Meta(description="The problem's code.")]
    status: Annotated[int, Meta(description="The HTTP status.")]
    detail: Annotated[str, Meta(description="For people.")]


class MistakeResponse(ResponseBody):
    """A mistake in the evidence."""

    field: Field
    code: Annotated[str, Meta(description="For programs.")]
    says: Annotated[str, Meta(description="For people: what is wrong, and the remedy.")]


class ForeseenConflictResponse(ResponseBody):
    """A conflict that the call would open."""

    rule: Rule
    field: Field
    other_id: ContactId


class ForeseenDecisionResponse(ResponseBody):
    """What the call would do."""

    standing: StandingLabel
    matched_by: MatchedBy
    created: Annotated[bool, Meta(description="The contact would be new.")]
    contact_id: Annotated[ContactId | None, Meta(description="null for one that would be new, or was erased.")]
    switched: Annotated[bool, Meta(description="It would be another person than before.")]
    linked_conversations: Annotated[Count, Meta(description="How many the contact would be given.")]
    written: Written
    kept: Kept
    conflicts: Annotated[list[ForeseenConflictResponse], Meta(description="Those that it would open.")]
    steps: Steps

    @classmethod
    def of(cls, decision: Decision[Outcome]) -> Self:
        """Describe a dry run, without the ids and the token that the real call would make anew."""
        outcome, created = decision.result, decision.result.matched_by == CREATED
        return cls.of_same(
            outcome,
            created=created,
            # The id of a new contact belongs to this dry run: the real call makes another.
            contact_id=None if created else outcome.contact_id,
            written=[verdict.field for verdict in outcome.written],
            steps=decision.trace.steps,
        )


class CheckedResponse(ResponseBody):
    """An identify call that was tried, with an explanation."""

    app_key: AppId
    verification: Mode
    accepted: Annotated[bool, Meta(description="The call would not be refused.")]
    refused: Annotated[RefusalResponse | None, Meta(description="Why.")]
    signature: SignatureLabel
    mistakes: Annotated[list[MistakeResponse], Meta(description="In what should prove the call.")]
    remarks: Annotated[list[str], Meta(description="What else is worth knowing, for people.")]
    decision: Annotated[ForeseenDecisionResponse | None, Meta(description="What would be done.")]
    rejected: Rejected

    @classmethod
    def of(cls, checked: CheckResult) -> Self:
        """Describe a dry run and its mistakes (V8)."""
        refused, decision = checked.error, checked.decision
        return cls(
            app_key=checked.app.app_key,
            verification=checked.app.verification.value,
            accepted=refused is None,
            refused=RefusalResponse.of_same(refused) if refused is not None else None,
            signature=checked.signature.value,
            mistakes=MistakeResponse.of_each(checked.mistakes),
            remarks=list(checked.remarks),
            decision=ForeseenDecisionResponse.of(decision) if decision is not None else None,
            rejected=FaultResponse.of_each(checked.rejections),
        )


class BlockResponse(ResponseBody):
    """A block: messages and identify calls are refused."""

    at: Time
    by: Writer
    reason: Annotated[str | None, Meta(description="As an agent gave it. Visitors never see it.")]


Blocked = Annotated[BlockResponse | None, Meta(description="null: messages and identify calls are taken.")]


class ExportedAuditEntryResponse(ResponseBody):
    """What was done to data or keys."""

    number: Annotated[Count, Meta(description="1, 2, 3, … in each workspace.")]
    at: Time
    by: Annotated[str, Meta(description="As `api-key:…`, `command line`, `host`, `retention`.")]
    action: Annotated[str, Meta(description="As `contact.erased`.")]
    subject: Annotated[str, Meta(description="The id of what it was done to.")]
    data: Annotated[Mapping[str, Any], Meta(description="Ids, names of fields, counts.")]


class AuditEntryResponse(ExportedAuditEntryResponse):
    """A line of the audit log, with what its digest covers."""

    previous: Annotated[str, Meta(description="The digest of the entry before; empty in the first.")]
    digest: Annotated[str, Meta(description="SHA-256, over all of this and the one before.")]


class ExportedSessionResponse(ResponseBody):
    """A session, named by its visitor: neither its token nor a digest."""

    visitor_id: VisitorId
    app_id: AppId
    standing: Annotated[StandingLabel | None, Meta(description="null while the visitor is anonymous.")]
    created_at: Time
    last_seen_at: Time
    expires_at: Time
    revoked_at: Annotated[Time | None, Meta(description="When it was ended; null where it was not.")]
    blocked: Blocked


class SessionResponse(ExportedSessionResponse):
    """A session, as an API key sees it: named by its visitor, without the credential."""

    active: Annotated[bool, Meta(description="Neither ended nor too old.")]

    @classmethod
    def of(cls, session: Session, now: Instant) -> Self:
        """Describe a session as it is at this moment."""
        return cls.of_same(session, active=session.is_valid(now), last_seen_at=session.seen_at, blocked=session.block)


class HealthResponse(ResponseBody):
    """That the process answers, or can serve."""

    status: Annotated[str, const("ok"), Meta(description="Anything else is a problem.")]


def _may_prompt(session: Session, app: App) -> bool:
    # A typed email comes without a proof, which such an app refuses (V3): the visitor would type it in vain.
    return not session.is_identified and app.verification is not VerificationMode.REQUIRED


def _public_label(session: Session) -> str | None:
    return session.standing.public_label if session.standing is not None else None
