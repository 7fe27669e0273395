"""hullo: visitor identification for anyone with a chat widget or help centre, as ASGI middleware."""

from hullo.application import Hullo
from hullo.asgi.identity import Identity, identity_of
from hullo.errors import HulloError, ProofRejected
from hullo.hooks.hookspecs import hookimpl
from hullo.middleware import IdentityMiddleware
from hullo.model.app import App
from hullo.model.claim import Claim
from hullo.model.contact import Contact
from hullo.model.conversation import Conversation, ConversationId
from hullo.model.decision import Decision
from hullo.model.event import Event
from hullo.model.identifier import Identifier
from hullo.model.instant import Instant
from hullo.model.match import Candidates, Match
from hullo.model.merge import MergePlan
from hullo.model.mistake import Mistake
from hullo.model.outcome import Outcome
from hullo.model.proof import Proof
from hullo.model.request_context import RequestContext
from hullo.model.standing import Standing
from hullo.model.token_claims import TokenClaims
from hullo.model.visitor import Session, VisitorId
from hullo.model.write import Refusal, Write
from hullo.operations.admin.register import NewApp
from hullo.settings import Settings, read_settings

__all__ = [
    "App",
    "Candidates",
    "Claim",
    "Contact",
    "Conversation",
    "ConversationId",
    "Decision",
    "Event",
    "Hullo",
    "HulloError",
    "Identifier",
    "Identity",
    "IdentityMiddleware",
    "Instant",
    "Match",
    "MergePlan",
    "Mistake",
    "NewApp",
    "Outcome",
    "Proof",
    "ProofRejected",
    "Refusal",
    "RequestContext",
    "Session",
    "Settings",
    "Standing",
    "TokenClaims",
    "VisitorId",
    "Write",
    "hookimpl",
    "identity_of",
    "read_settings",
]
