"""`Hullo`: store, plugins, bus and outbox worker, assembled and opened as one object."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self

from hullo.background.outbox import OutboxWorker
from hullo.background.refused_origins import RefusedOriginCounter
from hullo.bus.choice import bus_url
from hullo.bus.protocol import Bus
from hullo.engine.executor import Executor
from hullo.errors import HulloError, Invalid
from hullo.hooks.entry_points import build_plugins, open_bus, open_store, require_bus, require_store
from hullo.hooks.manager import PluginManager
from hullo.model.app import ALL_SCOPES, App, Scope, VerificationMode
from hullo.model.change_set import CallCount, ChangeSet
from hullo.model.claim import Claim
from hullo.model.decision import Decision
from hullo.model.event import Event
from hullo.model.fact import Scalar
from hullo.model.instant import DAY
from hullo.model.outcome import Outcome
from hullo.model.request_context import Clock, RequestContext, secret_digest, system_clock
from hullo.model.visitor import SessionDigest
from hullo.operations.admin.audit_log import HOST
from hullo.operations.admin.register import NewApiKey, NewApp, Register
from hullo.operations.admin.signing import compute_user_hash, mint_token
from hullo.pipeline.claim import Identify
from hullo.secrets.reseal import reseal_stored
from hullo.secrets.salts import add_missing_salts
from hullo.secrets.vault import Vault
from hullo.settings import Settings, apply_environment
from hullo.store.protocol import Store


class Hullo:
    """Visitor identification over one store, with one list of plugins.

    `store` is a URL or any object that implements `Store`; None takes the one of the settings. `plugins` go before the
    built-in ones, in the order given: instances, classes, or names of entry points. `without` leaves built-in ones out
    by name. `clock` returns microseconds since the epoch; tests replace it. `operator` is the name in the audit log for
    apps and keys that are created through this object. `bus` is a URL or an object too, and carries notices of commits
    to every process that has sockets open; None takes what `bus_url` finds.

    Creating a `Hullo` connects to nothing; `open` does, and every method that needs the store opens it. Raises
    `PluginError` or `SettingsError` for parts that do not fit.
    """

    def __init__(
        self,
        store: str | Store | None = None,
        *,
        plugins: Sequence[object | str] = (),
        without: Sequence[str] = (),
        settings: Settings | None = None,
        clock: Clock = system_clock,
        operator: str = HOST,
        bus: str | Bus | None = None,
    ) -> None:
        self.settings = settings if settings is not None else apply_environment()
        store = store if store is not None else self.settings.store
        self.store: Store = require_store(open_store(store) if isinstance(store, str) else store)
        if bus is None:
            # A server database often can carry notices itself, so that several processes need no further setting.
            url = store if isinstance(store, str) else None
            bus = bus_url(self.settings, url, shared_between_processes=self.store.shared_between_processes)
        self.bus: Bus = require_bus(open_bus(bus) if isinstance(bus, str) else bus)
        # Given plugins stand first: where the first answer wins, an own matcher goes before the built-in ones (M4).
        self.hooks = PluginManager(
            build_plugins([*plugins, *self.settings.plugins], [*without, *self.settings.without], self.settings.plugin)
        )
        self.clock = clock
        self._vault = Vault(self.settings.master_keys)
        self.outbox_worker = OutboxWorker(self.hooks, self.store, clock)
        self.refused_origins = RefusedOriginCounter()
        self.executor = Executor(self.hooks, self.store, self._vault, self.bus, wake_outbox=self.outbox_worker.wake)
        self.operator = operator
        self._register = Register(self.store, clock, self._vault, operator)
        # Lock: several threads may open one hullo on their first requests, and plugins must start once.
        self._lifecycle_lock = threading.Lock()
        self._is_open = False

    def open(self) -> Self:
        """Open the store, update its schema, and start the plugins. May run again: an open hullo stays as it is.

        Identity keys that the newest master key does not seal are sealed with it first (V4). Raises `SettingsError` for
        a master key that is a placeholder, and when no master key opens what is sealed.
        """
        # Without the lock: every call comes through here, and `_is_open` is set last, after all parts are open.
        if self._is_open:
            return self
        with self._lifecycle_lock:
            # Asked again: another thread may have opened it while this one waited for the lock.
            if not self._is_open:
                # First, as nothing has to be undone yet if it raises.
                self._vault.check(development=self.settings.development)
                self.store.open()
                try:
                    reseal_stored(self.store, self._vault)
                    add_missing_salts(self.store, self._vault)
                    self.hooks.startup(self)
                except BaseException:
                    # A plugin that cannot start leaves hullo closed, and the next `open` tries again.
                    self.store.close()
                    raise
                # After the plugins: the worker calls their `event_committed`.
                self.outbox_worker.open()
                self.refused_origins.open(self)
                self._is_open = True
        return self

    def open_and_drain_outbox(self) -> Self:
        """Open hullo to serve requests, and deliver what other processes have left in the outbox."""
        self.open().outbox_worker.wake()
        return self

    def close(self) -> None:
        """Deliver the events that are left, stop the plugins in reverse order, then close bus and store. May be opened
        again."""
        with self._lifecycle_lock:
            if self._is_open:
                # While plugins and store still work: the worker needs both for what is left.
                self.outbox_worker.close()
                self.refused_origins.close()
                self._is_open = False
                self.hooks.shutdown(self)
                self.bus.close()
                self.store.close()

    @property
    def is_open(self) -> bool:
        """Return whether the store is open and the plugins have started."""
        return self._is_open

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def register(self) -> Register:
        """Open hullo, and return what creates, changes, rotates and retires apps and keys."""
        self.open()
        return self._register

    def create_app(
        self,
        name: str,
        *,
        origins: Iterable[str] = (),
        verification: VerificationMode | str = VerificationMode.OPTIONAL,
        workspace: str | None = None,
    ) -> NewApp:
        """Create an app with its first identity key. Each call creates another one."""
        return self.register.create_app(name, origins=origins, verification=verification, workspace=workspace)

    def create_api_key(
        self,
        *,
        workspace: str | None = None,
        app_key: str | None = None,
        scopes: Iterable[Scope | str] = ALL_SCOPES,
    ) -> NewApiKey:
        """Create a key for the server API. Its secret is in the result, and nowhere else."""
        return self.register.create_api_key(workspace=workspace, app_key=app_key, scopes=scopes)

    def user_hash(self, app_key: str, value: str) -> str:
        """Compute the hash that the site's server sends for an external id or email, with the newest active key (V1).

        Raises `UnknownApp`, and `NotFound` when every key of the app is retired, or a public one, which signs nothing.
        """
        return compute_user_hash(self.load_app(app_key), value, self.clock())

    def mint_token(
        self,
        app_key: str,
        *,
        external_id: str | None = None,
        email: str | None = None,
        ttl: int | None = None,
        name: str | None = None,
        phone: str | None = None,
        company: str | None = None,
        avatar_url: str | None = None,
        custom_data: Mapping[str, Scalar] | None = None,
        for_mail: bool = False,
        uses: int = 1,
    ) -> str:
        """Make a signed token about a person, for a page of this app to send as `token`, or for a link (V5, T4).

        All values in it are proven to the app. It counts once, or `uses` times, 20 at most. With `for_mail` it counts
        only after a click on the page that the middleware shows first: programs that check mails open the links in
        them (T6). It is valid for `ttl` seconds, a day at most; None is five minutes, and a day with `for_mail` or
        `uses`. Raises `UnknownApp`, `NoIdentifier` without an external id and an email, `Invalid` for a field that no
        identify call may hold, a lifetime or a number, and `NotFound` as `user_hash` does.
        """
        person = {
            "external_id": external_id,
            "email": email,
            "name": name,
            "phone": phone,
            "company": company,
            "avatar_url": avatar_url,
            "custom_data": custom_data,
        }
        # Left out and not null: a null in a token would clear the stored value (W5).
        given = {field: value for field, value in person.items() if value is not None}
        return mint_token(
            self.load_app(app_key),
            given,
            self.settings.limits,
            self.new_context(),
            ttl=ttl,
            for_mail=for_mail,
            uses=uses,
        )

    def load_app(self, app_key: str) -> App:
        """Load an app from the store, past every cache. Raises `UnknownApp`."""
        self.open()
        return self.executor.apps.reload(app_key)

    def commit_events(self, events: Sequence[Event]) -> None:
        """Commit events alone, and wake the worker that calls `event_committed` with each. Raises `StoreUnavailable`.

        Not for events of a change: those are committed with it (R4).
        """
        self.store.apply([ChangeSet(events=tuple(events))])
        # After the commit, or the worker could find the outbox still empty.
        self.outbox_worker.wake()

    def call_counts(self, app_key: str, days: int = 7) -> CallCount:
        """Count the app's identify calls by the worth of their evidence, over `days` days, today included (V3).

        Calls of the last seconds may be missing.
        """
        self.open()
        # Counts are kept by day in UTC.
        today = self.clock() // DAY * DAY
        counts = self.store.list_call_counts(app_key, today - (days - 1) * DAY)
        return CallCount(
            app_id=app_key,
            day=today,
            signed=sum(count.signed for count in counts),
            unsigned=sum(count.unsigned for count in counts),
            wrong=sum(count.wrong for count in counts),
        )

    def identify(
        self,
        claim: Claim | Mapping[str, object],
        *,
        app_key: str | None = None,
        session_token: str | None = None,
        consent: bool = False,
        dry_run: bool = False,
    ) -> Decision[Outcome]:
        """Run an identify call, and return what was decided and why. Raises the `HulloError` that refuses the call.

        A mapping is an identify body, and may hold `app_key`, `session_token` and `consent` itself. Without an app key
        the app is the session's, else the only one there is. With `dry_run` nothing is written and no observer is
        called: the decision is what would happen now, and new ids and the token in it belong to no record.
        """
        self.open()
        if not isinstance(claim, Claim):
            # An argument wins over the body, which may come from a page.
            app_key = app_key if app_key is not None else _text_or_none(claim.get("app_key"))
            session_token = session_token if session_token is not None else _text_or_none(claim.get("session_token"))
            # Only a true boolean is consent: text such as "false" is not.
            consent = consent or claim.get("consent") is True
            claim = Claim.from_body(claim, self.settings.limits)
        # Only the digest goes on: the token is a credential, and is stored nowhere (S).
        session = secret_digest(session_token) if session_token is not None else None
        app_key = app_key if app_key is not None else self._default_app_key(session)
        operation = self.identify_operation(
            claim, app_key=app_key, session_digest=session, context=self.new_context(), consent=consent
        )
        decision: Decision[Outcome]
        if dry_run:
            decision = self.executor.dry_run(operation)
            return decision
        try:
            decision = self.executor.run(operation)
        except HulloError as error:
            # From memory only: the error may be that the store cannot be reached.
            self.executor.notify_rejected(error, self.executor.apps.cached(operation.app_key), operation.request_id)
            raise
        return decision

    def identify_operation(
        self,
        claim: Claim,
        *,
        app_key: str | None,
        session_digest: SessionDigest | None,
        context: RequestContext,
        origin: str | None = None,
        consent: bool = False,
    ) -> Identify:
        """Build the operation of an identify call. `origin` is the page's; None when the caller is no browser."""
        return Identify(
            claim=claim,
            app_key=app_key,
            session_digest=session_digest,
            origin=origin,
            context=context,
            request_id=context.new_id("req"),
            hooks=self.hooks,
            limits=self.settings.limits,
            consent=consent,
        )

    def _default_app_key(self, session_digest: SessionDigest | None) -> str | None:
        session = self.store.find_session(session_digest) if session_digest is not None else None
        if session is not None:
            return session.app_id
        apps = self.store.list_apps()
        # Never guessed: the wrong app would write a person into the wrong site's data.
        if len(apps) > 1:
            raise Invalid("say which app, with app_key: there are several")
        return apps[0].app_key if apps else None

    def new_context(self) -> RequestContext:
        """Make the context of one request: the time by hullo's clock, and fresh randomness."""
        # Clock and randomness are read here and nowhere below: a decision that is made again is the same decision.
        return RequestContext.at(self.clock())


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None
