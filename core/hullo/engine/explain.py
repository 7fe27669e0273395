"""Explanation of an identify for the site's own developer: the decision, and what is wrong with its evidence (V8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from hullo.engine.app_cache import AppCache
from hullo.engine.executor import Executor
from hullo.errors import HulloError, Invalid, NoIdentifier, ProofRejected, Rejection
from hullo.model.app import App, VerificationMode
from hullo.model.claim import EVIDENCE_FIELDS, Claim, attribute_hash_field
from hullo.model.decision import Decision
from hullo.model.mistake import UNRECOGNISED, Mistake
from hullo.model.outcome import Outcome
from hullo.model.proof import Signature
from hullo.model.standing import Standing
from hullo.pipeline.claim import Identify
from hullo.pipeline.verify import LENIENT_MODES, verify
from hullo.value import Value

MAX_OTHER_APPS: Final = 50
"""How many other apps' keys are tried, newest app first: each is opened and compared, which takes time."""
KEY_MISTAKES: Final = frozenset({"algorithm", "unknown_kid", "signature", "retired_key"})
"""Mistakes for which a token is refused before its content is read (`ProofRejected.mistake`)."""

OTHER_PRODUCTS_FIELDS: Final[Mapping[str, str]] = {
    "identifier_hash": "user_hash",
    "userHash": "user_hash",
    "hmac": "user_hash",
    "user_id": "external_id",
    "userId": "external_id",
    "identifier": "external_id",
    "custom_attributes": "custom_data",
    "customAttributes": "custom_data",
    "traits": "custom_data",
    "phone_number": "phone",
    "phoneNumber": "phone",
    "avatar": "avatar_url",
    "jwt": "token",
}
"""Fields of other chat widgets, which a site that changes to hullo may still send, with hullo's names."""


class CheckResult(Value):
    """A dry run with its explanation. Contains no secret; nothing was written."""

    app: App
    signature: Signature
    """The worth of the evidence, even where the app's mode ignores evidence."""
    mistakes: tuple[Mistake, ...]
    remarks: tuple[str, ...]
    decision: Decision[Outcome] | None
    """Its new ids and its token belong to no record. None when the call would be refused."""
    error: HulloError | None
    rejections: tuple[Rejection, ...]
    """Fields that would be left out (W8)."""

    @property
    def is_accepted(self) -> bool:
        """Return whether the call would be accepted, with its evidence."""
        return self.error is None and self.signature is not Signature.WRONG


def check(operation: Identify, pipeline: Executor) -> CheckResult:
    """Check a call: decide it without writing, notifying or counting anything.

    Raises `UnknownApp`, and errors that are no fault of the call (status 500 and above).
    """
    # Not from the shared cache: a developer who has just added a key must see it work.
    app = AppCache(pipeline.store, pipeline.vault).reload(operation.app_key)
    salt = pipeline.apps.workspace_salt(app.workspace_id)
    evidence = _EvidenceCheck(operation, pipeline, app, salt)
    signature, mistakes = evidence.evaluate()
    decision: Decision[Outcome] | None = None
    refusal: HulloError | None = None
    rejections = operation.claim.rejected
    try:
        decision = pipeline.dry_run_prepared(operation.prepare_for(app, salt))
        rejections = decision.result.rejected
    except HulloError as error:
        if error.status >= 500:
            raise
        refusal = error
        if isinstance(error, Invalid | NoIdentifier):
            rejections = error.rejected
    return CheckResult(
        app=app,
        signature=signature,
        mistakes=mistakes,
        remarks=(*_remarks(app, signature, decision), *_renamed_field_remarks(rejections)),
        decision=decision,
        error=refusal,
        rejections=rejections,
    )


class _EvidenceCheck:
    """Evaluates the evidence of one call, as an app in mode `optional` does."""

    def __init__(self, operation: Identify, pipeline: Executor, app: App, salt: str) -> None:
        # Without what could refuse the call before its evidence is read: origin, session, mode and consent.
        self._operation = replace(operation, origin=None, session_digest=None)
        self._pipeline = pipeline
        self._app = replace(app, verification=VerificationMode.OPTIONAL, consent_required=False)
        self._salt = salt

    def evaluate(self) -> tuple[Signature, tuple[Mistake, ...]]:
        """Return the worth of the evidence, and every mistake in it."""
        claim = self._operation.claim
        mistakes = [mistake for field in sorted(claim.evidence_fields) for mistake in self._find_mistakes(field)]
        try:
            return self._signature(), tuple(mistakes)
        except ProofRejected as error:
            # No piece of evidence is wrong alone: one was used before, or they do not fit together.
            field = "identity_token" if claim.identity_token is not None else "token"
            return Signature.WRONG, tuple(mistakes or [_mistake_from_error(field, error)])

    def _signature(self) -> Signature:
        """Return the worth of all evidence together. Raises `ProofRejected`."""
        operation = self._operation
        try:
            signature = self._pipeline.dry_run_prepared(operation.prepare_for(self._app, self._salt)).result.signature
        except (NoIdentifier, Invalid):
            # The call is wrong elsewhere. Its evidence can still be verified, only not looked up as used before.
            signature = verify(operation.claim, self._app, operation.context.now, operation.hooks).signature
        assert signature is not None, "an app in mode optional evaluates evidence"
        return signature

    def _find_mistakes(self, field: str) -> list[Mistake]:
        # One piece at a time: `verify` stops at the first that is wrong, and the developer wants to see all.
        alone = _isolate_evidence(field, self._operation.claim)
        error = self._verification_error(alone, self._app)
        found = self._operation.hooks.explain_proof(alone, self._app, self._operation.context.now)
        known = [mistake for mistake in found if mistake.code != UNRECOGNISED]
        if error is None:
            return known
        signer = self._find_signing_app(alone, error)
        if signer is not None:
            return [_other_app_mistake(field, signer, self._app), *known]
        return list(found) or [_mistake_from_error(field, error)]

    def _verification_error(self, claim: Claim, app: App) -> ProofRejected | None:
        try:
            verify(claim, app, self._operation.context.now, self._operation.hooks)
        except ProofRejected as error:
            return error
        return None

    def _find_signing_app(self, claim: Claim, error: ProofRejected) -> App | None:
        """Find the app whose keys the evidence fits: they verify it, or it is then refused for its content only."""
        for other in self._other_apps():
            keys = self._pipeline.vault.open_app(other).identity_keys
            other_error = self._verification_error(claim, replace(self._app, identity_keys=keys))
            if other_error is None or (error.mistake in KEY_MISTAKES and other_error.mistake not in KEY_MISTAKES):
                return other
        return None

    def _other_apps(self) -> list[App]:
        workspace = self._app.workspace_id
        # Never across workspaces: the answer must not tell one workspace about the keys of another.
        apps = (app for app in self._pipeline.store.list_apps() if app.workspace_id == workspace)
        return [app for app in apps if app.id != self._app.id][:MAX_OTHER_APPS]


def _isolate_evidence(field: str, claim: Claim) -> Claim:
    """Make a copy of the claim without all other evidence."""
    rest: dict[str, Any] = {name: None for name in EVIDENCE_FIELDS if name != field}
    hashes = {name: sent for name, sent in claim.attribute_hashes.items() if attribute_hash_field(name) == field}
    return replace(claim, attribute_hashes=hashes, **rest)


def _other_app_mistake(field: str, other: App, app: App) -> Mistake:
    says = (
        f"It was signed with a key of another app, {other.app_key}. Sign with one of {app.app_key}, or let the page "
        "name the other app."
    )
    return Mistake(field=field, code="other_apps_key", says=says)


def _mistake_from_error(field: str, error: ProofRejected) -> Mistake:
    says = f"{error.detail[:1].upper()}{error.detail[1:]}."
    return Mistake(field=field, code=error.mistake or UNRECOGNISED, says=says)


def _remarks(app: App, signature: Signature, decision: Decision[Outcome] | None) -> Iterator[str]:
    mode = app.verification
    stricter = f"`hullo app set {app.app_key} verification=optional`"
    if signature is Signature.WRONG and mode in LENIENT_MODES:
        does = "nobody looks at evidence" if mode is VerificationMode.OFF else "evidence that is wrong is only counted"
        yield f"The app's mode is {mode}: {does}, and the call is taken as a claim. Other modes would refuse it."
    if signature is Signature.SIGNED and mode is VerificationMode.OFF:
        yield f"The evidence is right, but the app's mode is off: nobody looks at it. {stricter} changes that."
    if signature is Signature.UNSIGNED and (decision is None or decision.result.standing is not Standing.PROVEN):
        yield (
            "Nothing that is sent proves whom the call is about: what it says is a claim. To sign it, let your server "
            "make the user_hash: HMAC-SHA256 of the external_id, or of the email where there is none, with an identity "
            f"key, in lower-case hexadecimal. `hullo hash {app.app_key} VALUE` shows it."
        )


def _renamed_field_remarks(rejections: Sequence[Rejection]) -> Iterator[str]:
    for rejection in rejections:
        own_name = OTHER_PRODUCTS_FIELDS.get(rejection.field)
        if own_name is not None:
            yield f"hullo has no field {rejection.field}: it is called {own_name} here."
