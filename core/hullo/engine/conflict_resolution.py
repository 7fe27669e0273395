"""Resolution of all open conflicts of one rule, as an agent decides them (C9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, Literal

from hullo.engine.executor import Executor
from hullo.engine.retry import Job
from hullo.errors import HulloError
from hullo.model.conflict import Conflict
from hullo.model.request_context import RequestContext
from hullo.operations.contacts.resolve_conflict import ResolveConflict
from hullo.store.protocol import ConflictFilter
from hullo.store.reading import current_contact, iter_pages
from hullo.value import Value

BulkResolution = Literal["merge", "keep"]

# Jobs of a batch are committed together; more would make other callers wait.
_BATCH: Final = 50


class ResolveAll(Value):
    """Resolution of every open conflict of a workspace, or of those of one rule.

    Each conflict is a change of its own: one that is resolved meanwhile, or that a merge without confirmation must not
    resolve, is left open. May run again: it goes on with what is open.
    """

    workspace_id: str
    action: BulkResolution
    writer: str
    rule: str | None = None
    """None: every rule."""

    def run(self, executor: Executor, new_context: Callable[[], RequestContext], *, dry_run: bool = False) -> int:
        """Resolve them and return how many. With `dry_run`, count those that would be, and write nothing."""
        conflicts = self._open_conflicts(executor)
        resolved = 0
        while batch := list(islice(conflicts, _BATCH)):
            operations = [work for conflict in batch if (work := self._operation(conflict, executor, new_context()))]
            if dry_run:
                # Decided and not only counted: what a merge refuses is not promised.
                resolved += sum(_is_possible(executor, work) for work in operations)
                continue
            jobs = [Job(work) for work in operations]
            executor.run_batch(jobs)
            for job in jobs:
                # Race: an agent, or another call, was first. The conflict stays as it is by now.
                if isinstance(job.result, HulloError):
                    continue
                # No refusal but a fault, and it would meet the next batch too.
                if isinstance(job.result, Exception):
                    raise job.result
                assert job.result is not None, "a batch gives each job its result"
                executor.notify_committed(job.result)
                resolved += 1
        return resolved

    def _open_conflicts(self, executor: Executor) -> Iterator[Conflict]:
        criteria = ConflictFilter(workspace_id=self.workspace_id, status="open")
        # Pages follow ids, so what is resolved on the way skips none.
        conflicts = iter_pages(lambda page: executor.store.list_conflicts(criteria, page))
        return (conflict for conflict in conflicts if self.rule in {None, conflict.rule})

    def _operation(self, conflict: Conflict, executor: Executor, context: RequestContext) -> ResolveConflict | None:
        store = executor.store
        try:
            # Either contact may have been merged since (G3), or be gone.
            pair = [current_contact(store, self.workspace_id, id) for id in (conflict.contact_id, conflict.other_id)]
        except HulloError:
            return None
        return ResolveConflict(
            conflict_id=conflict.id,
            contact_id=pair[0].id,
            other_id=pair[1].id,
            action=self.action,
            workspace_id=self.workspace_id,
            writer=self.writer,
            context=context,
            request_id=context.new_id("req"),
            related_counts=store.count_related(self.workspace_id, pair[1].id) if self.action == "merge" else None,
        )


def _is_possible(executor: Executor, operation: ResolveConflict) -> bool:
    try:
        executor.dry_run(operation)
    except HulloError:
        return False
    return True
