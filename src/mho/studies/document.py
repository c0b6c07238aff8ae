"""Strict YAML as plain data that remembers its lines. Only events are read: nothing a file says is ever constructed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from mho.studies.scalars import NotYamlError, scalar, text

MOST_BYTES = 2**20
MOST_NODES = 100_000
"""Values in one file, each alias counted as all it stands for: aliases of aliases multiply."""
DEEPEST = 50

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is ten times faster, where it is there
_MERGE = "<<"


@dataclass(slots=True)
class Node:
    """A value and where it and its parts are written.

    Attributes:
        value: dict, list or scalar.
        line: where it begins; of an entry of a mapping, where its key is.
        parts: what is inside, by key or index.
        size: values in it, itself included.
        depth: levels of nesting in it.
    """

    value: Any
    line: int
    parts: dict[str | int, tuple[int, Node]] = field(default_factory=dict)
    size: int = 1
    depth: int = 0

    def line_of(self, place: tuple[str | int, ...]) -> int:
        """The line of ``place``, or of the last thing on the way that the file holds."""
        node, line = self, 0
        for step in place:
            if step not in node.parts:
                break
            line, node = node.parts[step]
        return line

    def holds(self, place: tuple[str | int, ...]) -> bool:
        """Whether there is something at ``place``."""
        node = self
        for step in place:
            if step not in node.parts:
                return False
            node = node.parts[step][1]
        return True

    def add(self, key: str | int, line: int, part: Node) -> None:
        """Put ``part`` inside."""
        self.parts[key] = (line, part)
        self.size += part.size
        self.depth = max(self.depth, 1 + part.depth)


def parse(content: bytes) -> Node:
    """The one document in ``content``.

    Raises:
        NotYamlError: it is not, or is too large, or says something twice.
    """
    if len(content) > MOST_BYTES:
        raise NotYamlError(f"is larger than {MOST_BYTES // 2**20} MB; measurements belong in a table of their own")
    try:
        written = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotYamlError(f"cannot be read as text: byte {error.start} is not UTF-8") from None
    try:
        return _Builder(written).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = str(error.problem or error.context)
        if "\t" in said or "tab character" in said or _tab(written, mark):
            said = "YAML takes spaces for indentation, not tabs"
        raise NotYamlError(f"is no valid YAML: {said}", mark.line + 1 if mark else 0) from None
    except yaml.reader.ReaderError as error:
        bad = next((i for i, c in enumerate(written) if ord(c) == error.character), 0)
        raise NotYamlError("holds a control character; is it a text file?", written.count("\n", 0, bad) + 1) from None


def _tab(written: str, mark: yaml.Mark | None) -> bool:
    lines = written.split("\n")
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    return "\t" in line[: len(line) - len(line.lstrip())]


class _Builder:
    def __init__(self, written: str) -> None:
        self.events: Iterator[Any] = iter(yaml.parse(written, Loader=_LOADER))
        self.anchors: dict[str, Node | None] = {}  # None while the value is being read: it may not contain itself
        self.count = 0

    def document(self) -> Node:
        next(self.events)  # start of the stream
        if isinstance(next(self.events), yaml.StreamEndEvent):
            return Node(None, 0)
        node = self.node(next(self.events), 0)
        next(self.events)  # end of the document
        following = next(self.events)
        if not isinstance(following, yaml.StreamEndEvent):
            raise NotYamlError("holds a second document; one file, one document", following.start_mark.line + 1)
        return node

    def node(self, event: Any, depth: int) -> Node:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            return self.checked(self.alias(event.anchor, line), depth, line)
        if event.tag is not None:
            raise NotYamlError(f"'{event.tag}' is a tag, and tags are not read; write the value alone", line)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        self.checked(Node(None, line), depth, line)
        if isinstance(event, yaml.ScalarEvent):
            plain = event.style in (None, "")
            node = Node(scalar(event.value, line) if plain else text(event.value, line), line)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self.sequence(line, depth)
        else:
            node = self.mapping(line, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def alias(self, name: str | None, line: int) -> Node:
        if name is None or name not in self.anchors:
            raise NotYamlError(f"'*{name}' stands for '&{name}', which is not written above it", line)
        node = self.anchors[name]
        if node is None:
            raise NotYamlError(f"'*{name}' is inside '&{name}': it would contain itself", line)
        return node

    def checked(self, node: Node, depth: int, line: int) -> Node:
        self.count += node.size
        if self.count > MOST_NODES:
            raise NotYamlError(f"holds more than {MOST_NODES:,} values", line)
        if depth + node.depth > DEEPEST:
            raise NotYamlError(f"is nested more than {DEEPEST} deep", line)
        return node

    def sequence(self, line: int, depth: int) -> Node:
        node = Node([], line)
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            part = self.node(event, depth + 1)
            node.add(len(node.value), event.start_mark.line + 1, part)
            node.value.append(part.value)
        return node

    def mapping(self, line: int, depth: int) -> Node:
        own: dict[str, tuple[int, Node]] = {}
        merged: dict[str, tuple[int, Node]] = {}
        merges = False
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            at = event.start_mark.line + 1
            key = self.key(event, at)
            merge = key == _MERGE and isinstance(event, yaml.ScalarEvent) and event.style in (None, "")
            if key in own or (merge and merges):
                first = f", first in line {own[key][0]}" if key in own else ""
                raise NotYamlError(f"'{key}' is there twice{first}; keep one", at)
            part = self.node(next(self.events), depth + 1)
            if merge:
                merges, merged = True, _merged(part, at)
            else:
                own[key] = (at, part)
        node = Node({}, line)
        for name, (at, part) in {**merged, **own}.items():
            node.add(name, at, part)
            node.value[name] = part.value
        return node

    def key(self, event: Any, line: int) -> str:
        """Keys are text as it is written: ``1.10`` is the name of a layer, not the number 1.1."""
        if isinstance(event, yaml.AliasEvent):
            value = self.alias(event.anchor, line).value
            if not isinstance(value, str):
                raise NotYamlError(f"'*{event.anchor}' is no text, and keys are text", line)
            return value
        if not isinstance(event, yaml.ScalarEvent):
            raise NotYamlError("a key is a list or a mapping; keys are text (put it in quotes)", line)
        self.node(event, 0)
        return text(event.value, line)


def _merged(node: Node, line: int) -> dict[str, tuple[int, Node]]:
    """What ``<<`` brings in: a mapping, or a list of mappings of which the first that has a key decides it."""
    sources = [part for _, part in node.parts.values()] if isinstance(node.value, list) else [node]
    out: dict[str, tuple[int, Node]] = {}
    for source in sources:
        if not isinstance(source.value, dict):
            raise NotYamlError("'<<' takes a mapping, such as '<<: *name', or a list of mappings", line)
        out |= {str(key): part for key, part in source.parts.items() if key not in out}
    return out
