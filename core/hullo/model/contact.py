"""The contact: a person in a workspace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from msgspec import field

from hullo.model.block import ContactBlock
from hullo.model.fact import Fact
from hullo.model.identifier import EMAIL, EXTERNAL_ID, Identifier, IdentifierDigest
from hullo.model.instant import Instant
from hullo.model.standing import Standing
from hullo.value import Value

ContactId = str


class Contact(Value):
    """A person, with the provenance of every value.

    `identifiers` and `profile` map a kind or field to its fact; an absent one is blank. `custom_data` maps an app's id
    to that app's block, and holds only the loaded blocks: one for an identify, all of them for the server API.
    `version` counts the writes; stores compare it before the next one.
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
    """Secondary identifiers by kind, beside the primary one in `identifiers`: matching uses them too."""
    phones: tuple[Fact, ...] = ()
    """Secondary phones, beside the primary one in `profile`."""
    tags: Mapping[str, Fact] = field(default_factory=dict[str, Fact])
    """By name; the value is always true, the rest of the fact is who added the tag and when."""
    blocks: tuple[ContactBlock, ...] = ()
    """Empty: the contact is not blocked. Several only after a merge of blocked contacts."""
    absorbed: int = 0
    """Number of contacts merged into this one and not split off, through chains."""
    merged_into: ContactId | None = None
    """Contact that absorbed this one, which is empty from then on (G1). It may be absorbed too."""
    version: int = 0

    @property
    def external_id(self) -> str | None:
        """Return the site's own id of the person; None without one."""
        return self._identifier_value(EXTERNAL_ID)

    @property
    def email(self) -> str | None:
        """Return the email as written; compare by `Identifier.key`."""
        return self._identifier_value(EMAIL)

    @property
    def standing(self) -> Standing:
        """Determine the highest standing among the identifiers."""
        # One proven identifier is enough: a visitor reaches the contact by it.
        return max((fact.standing for _, fact in self.all_identifiers()), default=Standing.CLAIMED)

    @property
    def is_unproven(self) -> bool:
        """Return whether no visitor, no server of the site and no agent ever proved anything of it.

        Asks for all custom data. A merge and a block are decisions too: a contact that has one counts as proven.
        """
        custom = (block.values() for block in self.custom_data.values())
        facts = chain(self.profile.values(), self.phones, self.tags.values(), chain.from_iterable(custom))
        return (
            self.merged_into is None
            and not self.absorbed
            and not self.blocks
            and all(fact.standing is not Standing.PROVEN for _, fact in self.all_identifiers())
            and all(fact.standing is not Standing.PROVEN for fact in facts)
        )

    def all_identifiers(self) -> Iterator[tuple[str, Fact]]:
        """Yield every identifier with its kind, the primary ones first."""
        yield from self.identifiers.items()
        for kind, facts in self.also.items():
            for fact in facts:
                yield kind, fact

    def identifier_fact(self, identifier: Identifier) -> Fact | None:
        """Find the stored fact of an identifier by its match key; None when the contact does not have it."""
        # The primary one first: most contacts have no other. And its text first, which most calls repeat.
        primary = self.identifiers.get(identifier.kind)
        if primary is not None and (primary.value == identifier.value or _is_same_identifier(identifier, primary)):
            return primary
        return next(
            (fact for fact in self.also.get(identifier.kind, ()) if _is_same_identifier(identifier, fact)), None
        )

    def has_identifier(self, identifier: Identifier) -> bool:
        """Return whether the contact has this identifier, by its match key."""
        return self.identifier_fact(identifier) is not None

    def identifier_digests(self) -> dict[IdentifierDigest, Identifier]:
        """Map the digests that stores keep unique to this contact's identifiers."""
        owned = [identifier_of(kind, fact) for kind, fact in self.all_identifiers()]
        return {identifier.digest(self.workspace_id): identifier for identifier in owned}

    def _identifier_value(self, kind: str) -> str | None:
        # A kind that no plugin matches by is stored as a profile value: see `write_claim` in the pipeline.
        fact = self.identifiers.get(kind) or self.profile.get(kind)
        return None if fact is None else str(fact.value)


def identifier_of(kind: str, fact: Fact) -> Identifier:
    """Make the identifier of a stored fact, to look contacts up by."""
    return Identifier(kind, str(fact.value))


def _is_same_identifier(identifier: Identifier, fact: Fact) -> bool:
    # Equal texts have equal keys; most calls repeat the stored text and need no normalising.
    return fact.value == identifier.value or identifier_of(identifier.kind, fact).key == identifier.key
