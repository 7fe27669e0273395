"""A person in a workspace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import field

from hullo.model.fact import Fact
from hullo.model.identifier import EMAIL, EXTERNAL_ID, Identifier, IdentifierDigest
from hullo.model.instant import Instant
from hullo.model.standing import Standing
from hullo.value import Value

ContactId = str


class Contact(Value):
    """Who somebody is, with the provenance of every value.

    `identifiers` and `profile` map a kind or field to its fact; what is absent is blank. `custom_data` maps an
    app's id to that app's block, and holds just the blocks that were loaded: one for an identify, all of them
    for the server API. `version` counts the writes and is what stores compare before the next one.
    """

    id: ContactId
    workspace_id: str
    created_at: Instant
    updated_at: Instant
    last_seen_at: Instant
    created_by: str
    """The writer, as in `Fact.by`. `visitor:<id>` makes that visitor its owner."""
    identifiers: Mapping[str, Fact] = field(default_factory=dict[str, Fact])
    profile: Mapping[str, Fact] = field(default_factory=dict[str, Fact])
    custom_data: Mapping[str, Mapping[str, Fact]] = field(default_factory=dict[str, Mapping[str, Fact]])
    also: Mapping[str, tuple[Fact, ...]] = field(default_factory=dict[str, tuple[Fact, ...]])
    """Further identifiers by kind, beside the primary one in `identifiers`: the contact is found by them as well."""
    phones: tuple[Fact, ...] = ()
    """Further phones, beside the primary one in `profile`."""
    tags: Mapping[str, Fact] = field(default_factory=dict[str, Fact])
    """By name; the value of each is true, and the rest says who put it there and when."""
    absorbed: int = 0
    """How many people were merged into this one and are so still, through chains."""
    merged_into: ContactId | None = None
    """The contact that absorbed this one, which is empty from then on (G1). That one may have been absorbed since."""
    version: int = 0

    @property
    def external_id(self) -> str | None:
        """None while the person has no id of the site's own."""
        return self._identifier_value(EXTERNAL_ID)

    @property
    def email(self) -> str | None:
        """As it was written; compare by `Identifier.key`."""
        return self._identifier_value(EMAIL)

    @property
    def standing(self) -> Standing:
        """The best that is known of who this is: the highest standing among the identifiers."""
        return max((fact.standing for _, fact in self.all_identifiers()), default=Standing.CLAIMED)

    def all_identifiers(self) -> Iterator[tuple[str, Fact]]:
        """Every identifier with its kind, the primary ones first."""
        yield from self.identifiers.items()
        for kind, facts in self.also.items():
            for fact in facts:
                yield kind, fact

    def identifier_fact(self, identifier: Identifier) -> Fact | None:
        """What is stored of this very identifier, by its match key; None when it is not the contact's."""
        primary = self.identifiers.get(identifier.kind)
        if primary is not None and _is_same_identifier(identifier, primary):
            return primary
        return next(
            (fact for fact in self.also.get(identifier.kind, ()) if _is_same_identifier(identifier, fact)), None
        )

    def has_identifier(self, identifier: Identifier) -> bool:
        """Whether this very identifier is the contact's, by its match key."""
        return self.identifier_fact(identifier) is not None

    def identifier_digests(self) -> dict[IdentifierDigest, Identifier]:
        """What the database keeps unique for this contact."""
        owned = [identifier_of(kind, fact) for kind, fact in self.all_identifiers()]
        return {identifier.digest(self.workspace_id): identifier for identifier in owned}

    def _identifier_value(self, kind: str) -> str | None:
        # A plain value where no plugin matches by it: see `wanted_writes` in the pipeline.
        fact = self.identifiers.get(kind) or self.profile.get(kind)
        return None if fact is None else str(fact.value)


def identifier_of(kind: str, fact: Fact) -> Identifier:
    """What is stored, as what people are looked up by."""
    return Identifier(kind, str(fact.value))


def _is_same_identifier(identifier: Identifier, fact: Fact) -> bool:
    return fact.value == identifier.value or identifier_of(identifier.kind, fact).key == identifier.key
