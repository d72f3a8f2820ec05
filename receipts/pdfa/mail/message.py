"""What a message is made of, whichever format it came in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from receipts.evidence import Json
from receipts.pdfa.mail import texts


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """Something that a message carries besides its words.

    Attributes:
        name: As its sender calls it, on one line; empty if it has none. Untrusted, never used as a path.
        declared: The media type that the message claims.
        content: The bytes, out of their transfer encoding and nothing else.
        disposition: `attachment`, `inline` or empty (RFC 2183).
        content_id: Name under which HTML may refer to it (RFC 2392); empty if it has none.
        location: Address under which HTML may refer to it (RFC 2557); empty if it has none.
        sniffed: The media type that its content has; empty until it was looked at, and for what nobody can tell.
    """

    name: str
    declared: str
    content: bytes
    disposition: str = ""
    content_id: str = ""
    location: str = ""
    sniffed: str = ""


@dataclass(frozen=True, kw_only=True)
class Text:
    """Words of the body.

    Attributes:
        content: As text or HTML.
        is_html: Which of them.
        was_plain: Whether it is HTML only because something made it so.
    """

    content: str
    is_html: bool
    was_plain: bool = False

    @property
    def has_words(self) -> bool:
        """Whether it says anything to a reader."""
        return texts.has_words(self.content, is_html=self.is_html)


@dataclass
class Message:
    """One message.

    Attributes:
        fields: Of its header, readable, in their order and as often as they occur.
        texts: What its body says, in order; of alternatives, one.
        passed_over: What the other alternatives say.
        leaves: What it carries, in order; also what hides in alternatives that are not shown.
        nested: The messages that it carries.
        signatures: What the signatures on it are worth, as `signed` says.
    """

    fields: list[tuple[str, str]] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    passed_over: list[Text] = field(default_factory=list)
    leaves: list[Leaf] = field(default_factory=list)
    nested: list[Message] = field(default_factory=list)
    signatures: list[Mapping[str, Json]] = field(default_factory=list)

    @property
    def says_something(self) -> bool:
        """Whether its body has words for a reader."""
        return any(text.has_words for text in self.texts)

    def walk(self) -> Iterator[Message]:
        """This message and all within it, in the order in which they are shown."""
        yield self
        for message in self.nested:
            yield from message.walk()
