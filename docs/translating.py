"""Brings the catalogues of every language up to date with the English: `make texts`; `make texts NEW=fr` begins one.

The English stands in the catalogues of one language (`schemas.texts.SOURCE`). In the others, a new text comes without
translation, one whose English has changed is marked fuzzy with what it was, and what is said no more is taken out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po, write_po

from schemas.texts import SOURCE

ROOT: Final = Path(__file__).parents[1]
SOURCE_FILE: Final = f"{SOURCE.replace('-', '_')}.po"
HEADER: Final = """msgid ""
msgstr ""
"Project-Id-Version: Yinfeng\\n"
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plural};\\n"

"""


def bring_up_to_date(root: Path, new: Iterable[str] = ()) -> list[Path]:
    """Write each catalogue beside each of the source's, of the languages that there are and of `new` ones (`fr`,
    `pt_BR`); returns what was written."""
    sources = [path for part in sorted(root.iterdir()) if part.name[0] != "." for path in part.rglob(SOURCE_FILE)]
    languages = {path.stem for source in sources for path in source.parent.glob("*.po")} | set(new)
    written = []
    for source in sources:
        english = list(_read(source))
        for language in sorted(languages):
            path = source.with_name(f"{language}.po")
            known = list(_read(path)) if path.exists() else []
            _write(path, language, [_merged(each, known) for each in english])
            written.append(path)
    return written


def _read(path: Path) -> Iterator[Message]:
    with path.open("rb") as file:
        return (each for each in list(read_po(file, path.stem, abort_invalid=True)) if each.id)


def _merged(english: Message, known: list[Message]) -> Message:
    """The entry of this English, with the translation that was known of it: its key says so, or its English where it
    has no key."""
    found = next((each for each in known if _name(each) == _name(english)), None)
    made = Message(english.id, "", context=english.context, auto_comments=english.auto_comments)
    if found is None or found.pluralizable is not english.pluralizable:
        return made
    made.string, made.user_comments, made.flags = found.string, found.user_comments, {*found.flags}
    if found.id != english.id:
        made.flags.add("fuzzy")
        made.previous_id = [found.id] if isinstance(found.id, str) else list(found.id)
    return made


def _name(message: Message) -> tuple[str | None, object]:
    return (message.context, None) if message.context else (None, message.id)


def _write(path: Path, language: str, messages: Iterable[Message]) -> None:
    catalogue, plural = Catalog(language), get_plural(language)
    for each in messages:
        catalogue[each.id] = each
        each.flags.discard("python-format")  # a percent sign is no place to fill in here
    text = BytesIO()
    write_po(text, catalogue, width=0, omit_header=True, include_previous=True)
    header = HEADER.format(language=language, plural=f"nplurals={plural.num_plurals}; plural={plural.plural_expr}")
    path.write_text(header + text.getvalue().decode().strip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    print(f"{len(bring_up_to_date(ROOT, sys.argv[1:]))} catalogues are up to date.")  # noqa: T201
