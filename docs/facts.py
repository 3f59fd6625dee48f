"""Writes docs/facts.md from the catalogue: `make docs`. A test holds the file to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schemas.catalogue import CATALOGUE
from schemas.emitted import EMITTED
from schemas.fact_type import FactType
from schemas.marks import MARK
from schemas.openapi import example_event

PAGE = Path(__file__).with_name("facts.md")

HEAD = """# The facts

Generated from `schemas/catalogue.py` by `make docs`; don't edit it here.

A fact is a [CloudEvent 1.0](https://cloudevents.io) in JSON. `time` says when it happened in the world and needs an
offset; `source` names the poster; the same (`source`, `id`) again is a duplicate, whatever it says. Over HTTP another
fact under an identity that somebody else has used is refused. Unknown attributes and unknown keys in `data` are refused
by name. What was posted by mistake is taken back with `fact.retracted`.

Each field is *plain*, *kept* (about a person without naming anybody: targets count by it also after the person was
erased) or *personal*, as `subject` and extension attributes are: [privacy.md](privacy.md) says what that means. The ids
of candidates, offers and benefits are anybody's to read, so what looks like a telephone number, an e-mail address or
the number of an identity card is refused there.

| type | meaning | 含义 |
|---|---|---|
"""

EMITTED_HEAD = """
## What the system says

On topics, as structured CloudEvents of the source `/yinfeng/worker`; `/asyncapi.json` has their schemas. One worker
tells them. What happens once (all but `target.progressed`) is written down by the transaction in which it happens, and
told after a restart too. Where a worker dies while it tells, an event comes again, with the same `id`.
`target.progressed` says how a target stands, and says it again when another worker takes over. Names and addresses are
in none of them.

| type | topic | meaning | data |
|---|---|---|---|
"""


def page() -> str:
    """The whole page, as Markdown."""
    rows = "".join(
        f"| [`{name}`](#{_anchor(name)}) | {row.meaning} | {row.meaning_zh} |\n" for name, row in CATALOGUE.items()
    )
    return HEAD + rows + "".join(_section(row) for row in CATALOGUE.values()) + EMITTED_HEAD + _emitted()


def _emitted() -> str:
    lines = ""
    for row in EMITTED.values():
        data = " · ".join(f"`{name}`" for name in row.data)
        lines += f"| `{row.name}` | `{row.topic}` | {row.meaning} {row.meaning_zh} | {data} |\n"
    return lines


def _section(row: FactType) -> str:
    schema = row.data.model_json_schema()
    lines = "\n".join(_property_lines(schema))
    example = json.dumps(example_event(row), ensure_ascii=False, indent=2)
    return (
        f"\n## {row.name}\n\n{row.meaning} {row.meaning_zh}\n\n"
        f"| data | | | what it may be |\n|---|---|---|---|\n{lines}\n\n"
        f"<details><summary>Example</summary>\n\n```json\n{example}\n```\n</details>\n"
    )


def _property_lines(schema: dict[str, Any]) -> Iterator[str]:
    required = schema.get("required", [])
    for name in sorted(schema["properties"], key=lambda each: each not in required):
        need = "required" if name in required else "optional"
        said = schema["properties"][name]
        yield f"| `{name}` | {need} | {said[MARK]} | {_described(said).replace('|', chr(92) + '|')} |"


def _described(schema: dict[str, Any]) -> str:
    """A JSON Schema in a few words."""
    if "anyOf" in schema:
        return " or ".join(_described(each) for each in schema["anyOf"] if each.get("type") != "null")
    if "enum" in schema:
        return " · ".join(f"`{each}`" for each in schema["enum"])
    if schema.get("type") == "array":
        return f"a list of: {_described(schema.get('items', {}))}"
    if schema.get("type") == "object":
        return "an object whose keys are " + _described(schema.get("propertyNames", {}))
    return ", ".join(_traits(schema)) or "any value"


def _traits(schema: dict[str, Any]) -> Iterator[str]:
    yield str(schema.get("format") or schema.get("type") or "value")
    for key, words in TRAITS.items():
        if key in schema:
            value = schema[key]
            yield words.format(f"{value:,.0f}" if isinstance(value, float) else value)


def _anchor(name: str) -> str:
    return name.replace(".", "")


TRAITS = {
    "description": "{}",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "pattern": "`{}`",
}

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
