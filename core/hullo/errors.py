"""Every error of hullo.

    HulloError                    code               status
    ├── BadRequest                bad_json           400
    ├── NoIdentifier              no_identifier      400    M6
    ├── Unauthorised
    │   ├── ProofRejected         proof_rejected     401    V3, V7
    │   ├── ProofRequired         proof_required     401    V3
    │   ├── SessionRevoked        session_revoked    401    S2
    │   ├── SessionRequired       session_required   401
    │   └── KeyRequired           key_required       401
    ├── BadOrigin                 bad_origin         403
    ├── Forbidden                 forbidden          403
    ├── ConsentRequired           consent_required   403
    ├── Blocked                   blocked            403
    ├── UnknownApp                unknown_app        404
    ├── NotFound                  not_found          404
    ├── MethodNotAllowed          method_not_allowed 405
    ├── Conflicting               conflict           409
    ├── TooLarge                  too_large          413
    ├── Invalid                   invalid            422    W8
    │   └── Unstorable                                      no database takes such a value
    ├── RateLimited               rate_limited       429
    ├── Unavailable               unavailable        503
    │   ├── StoreUnavailable                                the database cannot be reached
    │   ├── TooContended                                    the same rows were changed too often meanwhile
    │   └── TooManySearches                                 as many wait already as can be served soon
    ├── PluginError               plugin             500    raised while a pipeline is built
    ├── SettingsError             settings           500    raised while settings are read
    └── MiddlewareMissing         middleware         500    raised in the host's own code

`code` is the contract with clients; `detail` is for people and never holds a personal value (P4).
A `StoreConflict` is no error: stores return it, and the engine decides again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from hullo.value import Value


class Rejection(Value):
    """Fault of the request itself: the field, and a reason for people. Never about stored data (H2)."""

    field: str
    reason: str


class HulloError(Exception):
    """Error with a stable `code`, an HTTP `status` and, where a retry may succeed, `retry_after` in seconds."""

    code: ClassVar[str] = "internal"
    # 500 until a class says otherwise: an error without a status of its own is a fault of the server.
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    retry_after: int | None = None

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class BadRequest(HulloError):
    """The body is not a valid JSON object."""

    code, status, title = "bad_json", 400, "Bad request"


class NoIdentifier(HulloError):
    """The call has no identifier of a person (M6)."""

    code, status, title = "no_identifier", 400, "No identifier"

    def __init__(self, rejected: Sequence[Rejection] = ()) -> None:
        super().__init__("nothing in the call names a person; send an external_id or an email")
        self.rejected = tuple(rejected)


class Unauthorised(HulloError):
    """The caller is not authenticated."""

    status, title = 401, "Unauthorised"


class ProofRejected(Unauthorised):
    """A verifier recognised the proof and found it wrong.

    The response is the same for every fault and every person (V7). `detail` is for the log and for the site's own
    developer, as is `mistake`, a short name of the fault where it is known (V8).
    """

    code, title = "proof_rejected", "Proof rejected"

    def __init__(self, detail: str, *, mistake: str | None = None) -> None:
        super().__init__(detail)
        # Never in the response to the refused call: the name of the fault would help a forger (V7).
        self.mistake = mistake
        # Set where the call is answered: the same evidence was refused in this session before, and counts once (V2).
        self.is_repeat = False


class ProofRequired(Unauthorised):
    """The app accepts signed calls only (V3)."""

    code, title = "proof_required", "Proof required"


class SessionRevoked(Unauthorised):
    """The session token is unknown, expired, revoked or another app's; the response does not reveal which."""

    code, title = "session_revoked", "Session revoked"

    def __init__(self) -> None:
        # One text for all four: a caller must not learn whether a token was ever valid.
        super().__init__("this session is not valid; join again to start a new one")


class SessionRequired(Unauthorised):
    """The call needs a visitor's session token."""

    code, title = "session_required", "Session required"

    def __init__(self) -> None:
        super().__init__("send the session token that join or identify gave, as 'Authorization: Bearer hvs_…'")


class KeyRequired(Unauthorised):
    """The call needs a valid API key."""

    code, title = "key_required", "API key required"

    def __init__(self) -> None:
        super().__init__("send a valid API key as 'Authorization: Bearer hsk_…'; 'hullo api-key create' makes one")


class BadOrigin(HulloError):
    """The page's origin is not in the app's list."""

    code, status, title = "bad_origin", 403, "Origin not allowed"


class Forbidden(HulloError):
    """The API key is valid, but lacks the scope or belongs to another app."""

    code, status, title = "forbidden", 403, "Forbidden"


class ConsentRequired(HulloError):
    """The app stores nothing about a visitor before their consent; nothing was written."""

    code, status, title = "consent_required", 403, "Consent required"

    def __init__(self) -> None:
        super().__init__('nothing is stored before the visitor agrees: send "consent": true once they do')


class Blocked(HulloError):
    """An agent has blocked the visitor, or the contact that it has proven to be; nothing was written."""

    code, status, title = "blocked", 403, "Blocked"

    def __init__(self) -> None:
        # One text for both, without the reason: that one is for agents. The widget shows it to the visitor.
        super().__init__("this site does not take messages from you here; please reach it in another way")


class UnknownApp(HulloError):
    """No app has this app key."""

    code, status, title = "unknown_app", 404, "Unknown app"

    def __init__(self) -> None:
        super().__init__("no app has this app_key; 'hullo app list' shows those that exist")


class NotFound(HulloError):
    """The resource does not exist, or is not visible to this caller."""

    # One error for both: ids of other callers must not differ from unknown ones.
    code, status, title = "not_found", 404, "Not found"


class MethodNotAllowed(HulloError):
    """The path exists, the method does not."""

    code, status, title = "method_not_allowed", 405, "Method not allowed"


class Conflicting(HulloError):
    """The change contradicts stored data, such as the email of another contact, which is `other_id` then."""

    code, status, title = "conflict", 409, "Conflict"

    def __init__(self, detail: str, other_id: str | None = None) -> None:
        super().__init__(detail)
        # Only for callers with an API key: to others, an id would say that the person exists (H2).
        self.other_id = other_id


class TooLarge(HulloError):
    """The body is over the limit (W10)."""

    code, status, title = "too_large", 413, "Too large"


class Invalid(HulloError):
    """Fields are invalid; nothing was written."""

    code, status, title = "invalid", 422, "Invalid"
    invalid_fields_detail: ClassVar[str] = "nothing was written, since some fields are wrong"
    """Detail of an error whose `rejected` explains it fully."""

    def __init__(self, detail: str, rejected: Sequence[Rejection] = ()) -> None:
        super().__init__(detail)
        self.rejected = tuple(rejected)


class Unstorable(Invalid):
    """The store cannot keep a value: it is too long, too large, or contains characters that the database refuses.
    Raised by stores for values that neither the edge nor a plugin refused."""

    def __init__(self, detail: str = "the database cannot store one of the values") -> None:
        super().__init__(detail)


class RateLimited(HulloError):
    """Too many calls in a short time; nothing was written. `retry_after`, at least 1, is when a call may succeed."""

    code, status, title = "rate_limited", 429, "Too many requests"

    def __init__(self, detail: str, retry_after: int) -> None:
        super().__init__(detail)
        # A client that is told to wait 0 seconds comes back at once.
        self.retry_after = max(retry_after, 1)


class Unavailable(HulloError):
    """A temporary failure; nothing was written, and a retry may succeed."""

    # 503 and not 500: clients and proxies may retry, as nothing was written.
    code, status, title = "unavailable", 503, "Unavailable"
    retry_after = 1


class StoreUnavailable(Unavailable):
    """The database cannot be reached, or its schema does not match this version."""


class TooContended(Unavailable):
    """Every attempt of the retry budget conflicted with another writer."""

    def __init__(self) -> None:
        super().__init__("the same records were being changed by others; try again")


class TooManySearches(Unavailable):
    """As many searches are waiting as can be served in reasonable time."""

    def __init__(self) -> None:
        super().__init__("too many searches are waiting; try again in a moment, and search less often")


class PluginError(HulloError):
    """A plugin cannot be used; the message says what to change."""

    code, title = "plugin", "Plugin error"


class SettingsError(HulloError):
    """A setting is invalid; the message names it."""

    code, title = "settings", "Settings error"


# A `RuntimeError` as well: it is a mistake in the host's code, and no answer to a caller.
class MiddlewareMissing(HulloError, RuntimeError):
    """A route of the host asks for the identity, but `IdentityMiddleware` is not mounted."""

    code, title = "middleware", "Middleware missing"


def describe_error(error: BaseException) -> str:
    """Describe an error for the log. Of a foreign error only the type: its message may quote personal data (P4)."""
    return error.detail if isinstance(error, HulloError) else type(error).__name__
