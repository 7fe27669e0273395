"""Compiles queries of Peewee's builder to SQL text that is kept and reused.

Building a query costs ten times what running it does. Values are bound by position; a query that binds its values in
another order than the code does is refused here.
"""

# Peewee's stubs leave the arguments of its builder untyped.
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar, cast

from peewee import SQL, Database, Field, Model, ModelDelete, ModelSelect, Node
from peewee import Value as SqlValue

from hullo.value import Value
from hullo_stores.peewee.dialect import Dialect, StatementCache

Compiled = TypeVar("Compiled")

ARITIES: Final = (1, 2, 4, 16, 64)
"""Lists of values are padded to one of these lengths, so that a handful of texts serves every length."""


class ListStatement(Value, kw_only=False):
    """A statement about a list of values, with a text for each arity."""

    texts: StatementCache[int]

    def bind(self, values: Sequence[str], *first: object) -> Iterator[tuple[str, tuple[object, ...]]]:
        """Yield text and values of each run: one up to the largest arity, more for longer lists.

        Padding repeats the last value, which changes no result. `first` is bound before the list.
        """
        largest = ARITIES[-1]
        for start in range(0, len(values), largest):
            chunk = tuple(values[start : start + largest])
            arity = next(arity for arity in ARITIES if arity >= len(chunk))
            yield self.texts[arity], (*first, *chunk, *(chunk[-1:] * (arity - len(chunk))))


class PageStatement(Value, kw_only=False):
    """A list, newest first. Both texts bind the list's own values, `next` then the last id of the page before, and both
    a limit."""

    first: str
    next: str


class NamedStatement(Value, kw_only=False):
    """Hand-written SQL with named values, where the builder would only make it longer."""

    text: str
    parameters: tuple[str, ...]

    def bind(self, **values: object) -> tuple[object, ...]:
        """Return the values in the order in which the text binds them."""
        return tuple(values[slot] for slot in self.parameters)


class _Parameter(Value, kw_only=False):
    """A placeholder for a value that is bound later."""

    name: str


def parameter(name: str) -> SqlValue:
    """Return a placeholder for the builder."""
    # No converter: the field's own would be called with the placeholder.
    return SqlValue(_Parameter(name), converter=False)


_CACHE: Final[dict[tuple[Callable[[Compiler], object], type[Database], type[Dialect]], object]] = {}


class Compiler:
    """Compile for one engine."""

    def __init__(self, database: Database, dialect: Dialect) -> None:
        self._database = database
        self._dialect = dialect

    def cached(self, build: Callable[[Compiler], Compiled]) -> Compiled:
        """Return what `build` compiles, once for each kind of engine in a process: tests make many stores."""
        key = (build, type(self._database), type(self._dialect))
        if key not in _CACHE:
            _CACHE[key] = build(self)
        return cast("Compiled", _CACHE[key])

    def compile(self, query: Node, *parameters: str) -> str:
        """Return the statement's text. `parameters` names its values in the order in which they will be bound."""
        context = self._database.get_sql_context()
        text, values = cast("tuple[str, list[Any]]", context.parse(query))  # type: ignore[no-untyped-call]
        if values != [_Parameter(name) for name in parameters]:
            raise AssertionError(f"values come in another order than {parameters}: {text}")
        return self._dialect.with_placeholders(text)

    def list_statement(self, query: Callable[[list[SqlValue]], Node], *first: str) -> ListStatement:
        """Compile a text for each arity. `query` takes the list; `first` names the values that are bound before it."""

        def made(arity: int) -> str:
            names = [f"value {index}" for index in range(arity)]
            return self.compile(query([parameter(name) for name in names]), *first, *names)

        texts = StatementCache(made)
        texts[1] = made(1)  # at once: the usual length, and a wrong binding order shows here
        return ListStatement(texts)

    def lock_rows(self, key: Field) -> ListStatement | None:
        """Lock rows by key. None if the dialect needs no row locks."""
        return self.select_for_update(key) if self._dialect.lock_clause is not None else None

    def select_for_update(self, key: Field) -> ListStatement:
        """Return which keys exist, and lock their rows until the transaction ends."""

        def rows(keys: list[SqlValue]) -> Node:
            query: ModelSelect[Model] = key.model.select(key).where(key.in_(keys)).order_by(key)
            # Peewee's stubs allow the plain lock only; the clause is passed through.
            return (
                query if self._dialect.lock_clause is None else query.for_update(cast("Any", self._dialect.lock_clause))
            )

        return self.list_statement(rows)

    def select_by(self, column: Field, *selected: Field) -> ListStatement:
        """Select rows by a list of values of a column: all their columns, or those `selected`."""
        columns = selected or fields_of(column.model)
        return self.list_statement(lambda values: column.model.select(*columns).where(column.in_(values)))

    def delete_by(self, column: Field) -> ListStatement:
        """Delete rows by a list of values of a column."""
        return self.list_statement(lambda values: column.model.delete().where(column.in_(values)))

    def delete_by_key(self, key: Field) -> ListStatement:
        """Delete rows by key; every key is one row's."""

        def rows(keys: list[SqlValue]) -> Node:
            query: ModelDelete = key.model.delete().where(key.in_(keys))
            return query.order_by(key).limit(SQL(str(len(keys)))) if self._dialect.deletes_in_order else query

        return self.list_statement(rows)

    def named_statement(self, text: str) -> NamedStatement:
        """Compile hand-written SQL; `:name` stands for a value.

        A SELECT that ends with `{left}` skips rows that other transactions have locked, and locks the others until the
        transaction ends.
        """
        left = "" if self._dialect.lock_clause is None else "FOR UPDATE SKIP LOCKED"
        return NamedStatement(*self._dialect.bind_names(text.format(left=left)))

    def page_by(self, key: Field, *columns: Field) -> PageStatement:
        """Compile a list of the rows with these values in `columns`, which are bound in this order."""
        names = tuple(column.name for column in columns)
        return self.page_statement(key, names, *[column == parameter(column.name) for column in columns])

    def page_statement(self, key: Field, parameters: tuple[str, ...], *conditions: Node) -> PageStatement:
        """Compile a list of the rows that meet the conditions, which bind `parameters`, newest first by `key`."""
        query = select_all(key.model).where(*conditions).order_by(key.desc()).limit(parameter("limit"))
        return PageStatement(
            first=self.compile(query, *parameters, "limit"),
            next=self.compile(query.where(key < parameter("last")), *parameters, "last", "limit"),
        )


def select_all(table: type[Model]) -> ModelSelect[Model]:
    """Select every column, for a builder to narrow."""
    return table.select(*fields_of(table))


def fields_of(table: type[Model]) -> list[Field]:
    """Return the columns in the order in which the table declares them."""
    return list(table._meta.sorted_fields)  # pyright: ignore[reportPrivateUsage]  # Peewee's own documented door
