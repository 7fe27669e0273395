"""Finds the contacts whose search text matches a query, newest first, without reading or sorting all of them.

First the newest texts are compared one by one, which is all for a common query. Then the index says which of the others
could match. If those are too many to sort, enough of them are met by comparing one text after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from hullo.model.search import SearchQuery
from hullo.value import Value
from hullo_stores.peewee.connection import Connection, SubstringIndex
from hullo_stores.peewee.dialect import Dialect
from hullo_stores.peewee.rows.encoding import Row
from hullo_stores.peewee.search.grams import gram_number, trigrams

WALKED: Final = 5_000
"""Texts that are compared before the index is asked: they take some milliseconds."""
SORTED: Final = 5_000
"""Matches that are sorted at most."""
SAMPLED: Final = 500
"""Texts that say which trigrams are rare."""
RAREST: Final = 3
"""Trigrams that the index is asked for. More find hardly less, and common ones have long lists."""

Condition = tuple[str, tuple[object, ...]]


class ContactSearch(Value):
    """What is searched for. `last` is the last contact of the page before; None for the first page."""

    workspace_id: str
    query: SearchQuery
    tag: str | None = None
    last: str | None = None


class ContactFinder:
    """Find ids of contacts. `index` is None where trigrams are rows."""

    def __init__(self, dialect: Dialect, index: SubstringIndex | None) -> None:
        self._dialect = dialect
        self._index = index

    def find(self, connection: Connection, search: ContactSearch, count: int) -> list[str]:
        """Return the ids of the first `count` matches, newest first."""
        alternatives = search.query.alternatives
        if not alternatives:
            return []
        listed, matching = self._listed(search), self._any_of(alternatives)
        border = self._border(connection, listed)
        newest = [] if border is None else [("s.contact_id >= ?", (border,))]
        found = self._walk(connection, [*listed, *newest, matching], count)
        if border is None or len(found) == count:
            return found
        older: list[Condition] = [*listed, ("s.contact_id < ?", (border,))]
        missing = count - len(found)
        indexed = self._by_index(connection, older, alternatives, missing)
        return [*found, *(self._walk(connection, [*older, matching], missing) if indexed is None else indexed)]

    def _listed(self, search: ContactSearch) -> list[Condition]:
        """Return the conditions beside the text."""
        conditions: list[Condition] = [("s.workspace_id = ?", (search.workspace_id,))]
        if search.last is not None:
            conditions.append(("s.contact_id < ?", (search.last,)))
        if search.tag is not None:
            tagged = 'EXISTS (SELECT 1 FROM "tag" AS t WHERE t.contact_id = s.contact_id AND t.name = ?)'
            conditions.append((tagged, (search.tag,)))
        return conditions

    def _border(self, connection: Connection, listed: Sequence[Condition]) -> str | None:
        """Return the last contact that is walked over before the index is asked. None if there are not that many."""
        # Without the tag: that one says which contacts match, not how many are compared.
        where, values = _joined(condition for condition in listed if "tag" not in condition[0])
        text = f"SELECT s.contact_id FROM contact_search AS s WHERE {where} ORDER BY s.contact_id DESC LIMIT 1 OFFSET ?"
        rows = self._rows(connection, text, (*values, WALKED - 1))
        return rows[0][0] if rows else None

    def _walk(self, connection: Connection, conditions: Sequence[Condition], count: int) -> list[str]:
        """Compare one text after the other, newest first, until `count` match."""
        where, values = _joined(conditions)
        text = f"SELECT s.contact_id FROM contact_search AS s WHERE {where} ORDER BY s.contact_id DESC LIMIT ?"
        return [contact_id for (contact_id,) in self._rows(connection, text, (*values, count))]

    def _by_index(
        self, connection: Connection, older: Sequence[Condition], alternatives: Sequence[Sequence[str]], count: int
    ) -> list[str] | None:
        """Return the first matches among older contacts. None if the index is of no help: without a trigram to look
        for, or with more matches than may be sorted."""
        found: set[str] = set()
        for parts in alternatives:
            grams = dict.fromkeys(gram for part in parts for gram in trigrams(part))
            if not grams:
                return None
            rare = self._rarest(connection, older, list(grams))
            conditions = [*older, self._any_of([parts])]
            if self._index is None:
                found.update(self._by_gram_rows(connection, conditions, rare, count))
                continue
            matches = self._by_own_index(connection, self._index, conditions, rare)
            if len(matches) > SORTED and not self._holds_newest(connection, self._index, older, matches, count):
                return None
            found.update(contact_id for contact_id, _ in matches)
        return sorted(found, reverse=True)[:count]

    def _by_own_index(
        self, connection: Connection, index: SubstringIndex, conditions: Sequence[Condition], rare: Sequence[str]
    ) -> list[tuple[str, int]]:
        """Return all matches with their numbers, or more than may be sorted."""
        own = index.condition(rare)
        where, values = _joined([*([own] if own is not None else []), *conditions])
        text = f"SELECT s.contact_id, s.number FROM {index.source} WHERE {where} {index.latest_first or ''} LIMIT ?"
        return [(contact_id, number) for contact_id, number in self._rows(connection, text, (*values, SORTED + 1))]

    def _holds_newest(
        self,
        connection: Connection,
        index: SubstringIndex,
        older: Sequence[Condition],
        matches: Sequence[tuple[str, int]],
        count: int,
    ) -> bool:
        """Return whether the first `count` matches are among these, which have the highest numbers.

        Numbers are given in the order in which contacts are stored, which is nearly that of their ids: an undone merge
        or a slow commit comes later. So this holds unless a newer contact has a lower number.
        """
        if index.latest_first is None:
            return False
        last = sorted((contact_id for contact_id, _ in matches), reverse=True)[:count][-1]
        where, values = _joined([*older, ("s.contact_id > ?", (last,)), ("s.number < ?", (matches[-1][1],))])
        return not self._rows(connection, f"SELECT 1 FROM contact_search AS s WHERE {where} LIMIT 1", values)

    def _by_gram_rows(
        self, connection: Connection, conditions: Sequence[Condition], rare: Sequence[str], count: int
    ) -> list[str]:
        """Return the first `count` matches. The rows of a trigram are in the order of contacts: none is sorted."""
        first, *others = [gram_number(gram) for gram in rare]
        also = "EXISTS (SELECT 1 FROM contact_gram AS o WHERE o.gram = ? AND o.contact_id = g.contact_id)"
        grams: list[Condition] = [("g.gram = ?", (first,)), *((also, (gram,)) for gram in others)]
        # The rows of the trigram are entered where the conditions begin, which bound the other table only.
        bounds: list[Condition] = [
            (text.replace("s.contact_id <", "g.contact_id <"), values)
            for text, values in conditions
            if text.startswith("s.contact_id <")
        ]
        where, values = _joined([*grams, *bounds, *conditions])
        text = (
            "SELECT g.contact_id FROM contact_gram AS g JOIN contact_search AS s ON s.contact_id = g.contact_id "
            f"WHERE {where} ORDER BY g.contact_id DESC LIMIT ?"
        )
        return [contact_id for (contact_id,) in self._rows(connection, text, (*values, count))]

    def _rarest(self, connection: Connection, older: Sequence[Condition], grams: Sequence[str]) -> list[str]:
        """Return the trigrams that the fewest of some texts have, the rarest first."""
        if len(grams) == 1:
            return list(grams)
        where, values = _joined(older)
        counts = ", ".join(f"SUM(CASE WHEN {self._contains('s.text')} THEN 1 ELSE 0 END)" for _ in grams)
        text = (
            f"SELECT {counts} FROM (SELECT s.text FROM contact_search AS s WHERE {where} "
            "ORDER BY s.contact_id DESC LIMIT ?) AS s"
        )
        (row,) = self._rows(connection, text, (*map(self._dialect.pattern, grams), *values, SAMPLED))
        by_count = sorted(zip((count or 0 for count in row), range(len(grams)), strict=True))
        return [grams[place] for _, place in by_count[:RAREST]]

    def _any_of(self, alternatives: Sequence[Sequence[str]]) -> Condition:
        """Return the condition that all parts of an alternative are in the text."""
        values = tuple(self._dialect.pattern(part) for parts in alternatives for part in parts)
        texts = (" AND ".join([self._contains("s.text")] * len(parts)) or "1 = 1" for parts in alternatives)
        return " OR ".join(f"({text})" for text in texts).join("()"), values

    def _contains(self, column: str) -> str:
        return self._dialect.contains.format(column=column)

    def _rows(self, connection: Connection, text: str, values: Sequence[object]) -> list[Row]:
        return connection.rows(self._dialect.with_placeholders(text), values)


def _joined(conditions: Iterable[Condition]) -> Condition:
    held = list(conditions)
    return " AND ".join(text for text, _ in held), tuple(value for _, values in held for value in values)
