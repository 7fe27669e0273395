"""What would become of an identify, and what is wrong with its evidence: for the site's own developer (V8)."""

from __future__ import annotations

from collections.abc import Iterator
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
"""Whose keys are tried, the newest apps first."""
KEY_MISTAKES: Final = frozenset({"algorithm", "unknown_kid", "signature", "retired_key"})
"""What a token is refused for before anything that it says is looked at (`ProofRejected.mistake`)."""


class CheckResult(Value):
    """A dry run with its explanation. Nothing in it is a secret, and nothing of it was written."""

    app: App
    signature: Signature
    """What the call has to show for itself, whether the app's mode looks at it or not."""
    mistakes: tuple[Mistake, ...]
    remarks: tuple[str, ...]
    decision: Decision[Outcome] | None
    """New ids and the token in it are nobody's. None when the call would be refused."""
    error: HulloError | None
    rejections: tuple[Rejection, ...]
    """Fields that would be left out."""

    @property
    def is_accepted(self) -> bool:
        """Whether the call is taken as it is meant."""
        return self.error is None and self.signature is not Signature.WRONG


def check(operation: Identify, pipeline: Executor) -> CheckResult:
    """Decides without writing, telling or counting anything. Raises `UnknownApp`, and what is no fault of the call."""
    app = AppCache(pipeline.store, pipeline.vault).reload(operation.app_key)
    salt = pipeline.apps.workspace_salt(app.workspace_id)
    evidence = _EvidenceCheck(operation, pipeline, app, salt)
    signature, mistakes = evidence.judged()
    decision: Decision[Outcome] | None = None
    refused: HulloError | None = None
    faults = operation.claim.rejected
    try:
        decision = pipeline.dry_run_prepared(operation.prepare_for(app, salt))
        faults = decision.result.rejected
    except HulloError as error:
        if error.status >= 500:
            raise
        refused = error
        if isinstance(error, Invalid | NoIdentifier):
            faults = error.rejected
    return CheckResult(
        app=app,
        signature=signature,
        mistakes=mistakes,
        remarks=tuple(_remarks(app, signature, decision)),
        decision=decision,
        error=refused,
        rejections=faults,
    )


class _EvidenceCheck:
    """What one call has to show for itself, as an app sees it that refuses what is wrong."""

    def __init__(self, work: Identify, pipeline: Executor, app: App, salt: str) -> None:
        # Whatever else may refuse the call, its evidence is looked at.
        self._work = replace(work, origin=None, session_digest=None)
        self._pipeline = pipeline
        self._app = replace(app, verification=VerificationMode.OPTIONAL, consent_required=False)
        self._salt = salt

    def judged(self) -> tuple[Signature, tuple[Mistake, ...]]:
        """What it is worth, and every mistake in it."""
        claim = self._work.claim
        mistakes = [mistake for field in sorted(claim.evidence_fields) for mistake in self._explained(field)]
        try:
            return self._signature(), tuple(mistakes)
        except ProofRejected as refused:
            # What is wrong with none of it alone: it was used before, or does not go together.
            field = "identity_token" if claim.identity_token is not None else "token"
            return Signature.WRONG, tuple(mistakes or [_mistake_from_error(field, refused)])

    def _signature(self) -> Signature:
        """Raises `ProofRejected`."""
        try:
            signature = self._pipeline.dry_run_prepared(self._work.prepare_for(self._app, self._salt)).result.signature
        except (NoIdentifier, Invalid):
            signature = verify(self._work.claim, self._app, self._work.context.now, self._work.hooks).signature
        assert signature is not None, "the app looks at it"
        return signature

    def _explained(self, field: str) -> list[Mistake]:
        alone = _isolate_evidence(field, self._work.claim)
        refused = self._refusal(alone, self._app)
        found = self._work.hooks.explain_proof(alone, self._app, self._work.context.now)
        known = [mistake for mistake in found if mistake.code != UNRECOGNISED]
        if refused is None:
            return known
        signer = self._find_signing_app(alone, refused)
        if signer is not None:
            return [_other_app_mistake(field, signer, self._app), *known]
        return list(found) or [_mistake_from_error(field, refused)]

    def _refusal(self, claim: Claim, app: App) -> ProofRejected | None:
        try:
            verify(claim, app, self._work.context.now, self._work.hooks)
        except ProofRejected as refused:
            return refused
        return None

    def _find_signing_app(self, claim: Claim, refused: ProofRejected) -> App | None:
        """The app whose keys the evidence fits: they verify it, or at least it is then refused for something else."""
        for other in self._other_apps():
            keys = self._pipeline.vault.open_app(other).identity_keys
            theirs = self._refusal(claim, replace(self._app, identity_keys=keys))
            if theirs is None or (refused.mistake in KEY_MISTAKES and theirs.mistake not in KEY_MISTAKES):
                return other
        return None

    def _other_apps(self) -> list[App]:
        workspace = self._app.workspace_id
        apps = (each for each in self._pipeline.store.list_apps() if each.workspace_id == workspace)
        return [each for each in apps if each.id != self._app.id][:MAX_OTHER_APPS]


def _isolate_evidence(field: str, claim: Claim) -> Claim:
    """The claim without all other evidence."""
    rest: dict[str, Any] = {name: None for name in EVIDENCE_FIELDS if name != field}
    hashes = {name: sent for name, sent in claim.attribute_hashes.items() if attribute_hash_field(name) == field}
    return replace(claim, attribute_hashes=hashes, **rest)


def _other_app_mistake(field: str, other: App, app: App) -> Mistake:
    says = (
        f"It was signed with a key of another app, {other.app_key}. Sign with one of {app.app_key}, or let the page "
        "name the other app."
    )
    return Mistake(field=field, code="other_apps_key", says=says)


def _mistake_from_error(field: str, refused: ProofRejected) -> Mistake:
    says = f"{refused.detail[:1].upper()}{refused.detail[1:]}."
    return Mistake(field=field, code=refused.mistake or UNRECOGNISED, says=says)


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
