"""Everything that a plugin may import, and that stays as it is. The plugins that hullo ships import nothing else.

Contract
    `Specs` are the hooks, `hookimpl` marks a method that answers one, `Host` is the running hullo that some of them
    get, with its `Settings` and `Limits`.
Values in hooks
    `App`, `Candidates`, `Claim`, `Contact`, `Conversation`, `Event`, `Identifier`, `Instant`, `Match`, `MergePlan`,
    `Mistake`, `Outcome`, `Proof`, `Refusal`, `RequestContext`, `Session`, `Standing`, `TokenClaims`, `Write`, and what
    they are made of. `Value` is their base, and may be the base of your own.
Proofs
    Identity keys, signed tokens and hashes: what verifiers check, and what explains why a check fails (V8).
Persons
    Emails and phones as hullo compares them, and every fact of a contact, also those that a merge brought.
Store
    What `Host.store` takes and gives.
Bus
    What a bus takes and gives, and what one that reaches other processes needs.
Errors
    Those that a plugin may raise, or expect.

Beside it are `hullo.plugin.routes`, for the hook `routes`, and `hullo.plugin.commands`, for the hook `commands`. They
are modules of their own as they bring the API and the command line with them: import them inside the hook.
"""

from hullo.background.count_buffer import CountBuffer
from hullo.bus.notice import MAX_NOTICE_BYTES, Notice, decode_notices, encode_notices
from hullo.bus.protocol import Bus, Subscriber
from hullo.bus.subscribers import Subscribers
from hullo.errors import (
    BadRequest,
    Conflicting,
    Forbidden,
    HulloError,
    Invalid,
    NotFound,
    PluginError,
    ProofRejected,
    ProofRequired,
    SettingsError,
    StoreUnavailable,
    Unavailable,
    UnknownApp,
    describe_error,
)
from hullo.hooks.hookspecs import Specs, hookimpl
from hullo.hooks.host import Host
from hullo.model.app import App, IdentityKey, Scope, Workspace
from hullo.model.change_set import CallCount, ChangeSet
from hullo.model.claim import CUSTOM_DATA, PROFILE_FIELDS, Claim, attribute_hash_field
from hullo.model.compact_token import (
    CLOCK_LEEWAY,
    HS256,
    ParsedToken,
    parse_token,
    sign_token,
    validate_token_payload,
    verify_signature,
)
from hullo.model.contact import Contact, ContactId
from hullo.model.conversation import Conversation, ConversationId
from hullo.model.decision_record import VISIT
from hullo.model.email import email_key
from hullo.model.event import Event
from hullo.model.fact import Fact, Scalar, is_blank
from hullo.model.identifier import EMAIL, EXTERNAL_ID, Identifier
from hullo.model.instant import DAY, HOUR, MINUTE, SECOND, Instant
from hullo.model.limits import Limits
from hullo.model.match import Candidates, Match
from hullo.model.merge import MergePlan
from hullo.model.mistake import UNRECOGNISED, Mistake
from hullo.model.outcome import Outcome
from hullo.model.phone import has_e164_format, is_e164
from hullo.model.placeholder import is_non_identity
from hullo.model.proof import Proof, Signature, SingleUseToken, is_proven
from hullo.model.public_key import PUBLIC_KEY_ALGORITHMS
from hullo.model.request_context import RequestContext
from hullo.model.signed_token import (
    ACCEPTED_ALGORITHMS,
    MAX_TOKEN_ID_LENGTH,
    SignedToken,
    candidate_keys,
    is_signed_by,
    key_algorithm,
    read_signed_token,
)
from hullo.model.snapshot import SnapshotQuery
from hullo.model.standing import Standing
from hullo.model.token_claims import MAX_HOP_LIFETIME, TokenClaims
from hullo.model.user_hash import matching_key_id
from hullo.model.visitor import Session, VisitorId
from hullo.model.write import Refusal, Write, custom_field
from hullo.operations.admin.keys import API_KEY_PREFIX
from hullo.operations.admin.register_writer import IDENTITY_KEY_PREFIX
from hullo.operations.privacy.retention import run_retention
from hullo.redis_client import open_redis_client
from hullo.rules.events import EventBuilder
from hullo.rules.identifiers import identifier_facts
from hullo.rules.phones import all_phones
from hullo.settings import Settings
from hullo.store.maintenance import Progress, no_progress
from hullo.store.protocol import ContactFilter, Page, PageRequest, Store
from hullo.store.reading import PAGE_SIZE, iter_contacts
from hullo.store.urls import mask_secrets
from hullo.value import Value

__all__ = [
    "ACCEPTED_ALGORITHMS",
    "API_KEY_PREFIX",
    "CLOCK_LEEWAY",
    "CUSTOM_DATA",
    "DAY",
    "EMAIL",
    "EXTERNAL_ID",
    "HOUR",
    "HS256",
    "IDENTITY_KEY_PREFIX",
    "MAX_HOP_LIFETIME",
    "MAX_NOTICE_BYTES",
    "MAX_TOKEN_ID_LENGTH",
    "MINUTE",
    "PAGE_SIZE",
    "PROFILE_FIELDS",
    "PUBLIC_KEY_ALGORITHMS",
    "SECOND",
    "UNRECOGNISED",
    "VISIT",
    "App",
    "BadRequest",
    "Bus",
    "CallCount",
    "Candidates",
    "ChangeSet",
    "Claim",
    "Conflicting",
    "Contact",
    "ContactFilter",
    "ContactId",
    "Conversation",
    "ConversationId",
    "CountBuffer",
    "Event",
    "EventBuilder",
    "Fact",
    "Forbidden",
    "Host",
    "HulloError",
    "Identifier",
    "IdentityKey",
    "Instant",
    "Invalid",
    "Limits",
    "Match",
    "MergePlan",
    "Mistake",
    "NotFound",
    "Notice",
    "Outcome",
    "Page",
    "PageRequest",
    "ParsedToken",
    "PluginError",
    "Progress",
    "Proof",
    "ProofRejected",
    "ProofRequired",
    "Refusal",
    "RequestContext",
    "Scalar",
    "Scope",
    "Session",
    "Settings",
    "SettingsError",
    "Signature",
    "SignedToken",
    "SingleUseToken",
    "SnapshotQuery",
    "Specs",
    "Standing",
    "Store",
    "StoreUnavailable",
    "Subscriber",
    "Subscribers",
    "TokenClaims",
    "Unavailable",
    "UnknownApp",
    "Value",
    "VisitorId",
    "Workspace",
    "Write",
    "all_phones",
    "attribute_hash_field",
    "candidate_keys",
    "custom_field",
    "decode_notices",
    "describe_error",
    "email_key",
    "encode_notices",
    "has_e164_format",
    "hookimpl",
    "identifier_facts",
    "is_blank",
    "is_e164",
    "is_non_identity",
    "is_proven",
    "is_signed_by",
    "iter_contacts",
    "key_algorithm",
    "mask_secrets",
    "matching_key_id",
    "no_progress",
    "open_redis_client",
    "parse_token",
    "read_signed_token",
    "run_retention",
    "sign_token",
    "validate_token_payload",
    "verify_signature",
]
