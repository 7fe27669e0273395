"""hullo: visitor identification for anyone with a chat widget or help centre, as ASGI middleware."""

from hullo.app import Hullo
from hullo.asgi.identity import Identity, identity_of
from hullo.asgi.middleware import IdentityMiddleware
from hullo.errors import HulloError, ProofRejected
from hullo.hooks.specs import hookimpl
from hullo.hooks.writes import Refusal, Write
from hullo.model.claim import Claim
from hullo.model.contact import Contact
from hullo.model.identifier import Identifier
from hullo.model.match import Candidates, Match
from hullo.model.proof import Proof
from hullo.model.standing import Standing
from hullo.settings import Settings

__all__ = [
    "Candidates",
    "Claim",
    "Contact",
    "Hullo",
    "HulloError",
    "Identifier",
    "Identity",
    "IdentityMiddleware",
    "Match",
    "Proof",
    "ProofRejected",
    "Refusal",
    "Settings",
    "Standing",
    "Write",
    "hookimpl",
    "identity_of",
]
