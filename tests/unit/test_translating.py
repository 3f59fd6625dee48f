"""`make texts`: the catalogues of all languages follow the English."""

from __future__ import annotations

from pathlib import Path

from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from docs.translating import ROOT, bring_up_to_date

ENGLISH = """msgid ""
msgstr ""
"Language: zh_CN\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

msgctxt "same"
msgid "Save"
msgstr "保存"

msgctxt "changed"
msgid "Close it now"
msgstr "现在关闭"

msgctxt "days"
msgid "1 day"
msgid_plural "{days} days"
msgstr[0] "{days} 天"

msgid "kept in English"
msgstr "以英文保存"
"""
FRENCH = """msgid ""
msgstr ""
"Language: fr\\n"
"Content-Type: text/plain; charset=UTF-8\\n"

msgctxt "same"
msgid "Save"
msgstr "Enregistrer"

msgctxt "changed"
msgid "Close it"
msgstr "Fermer"

msgctxt "gone"
msgid "Old"
msgstr "Vieux"
"""


def written(root: Path, *new: str) -> dict[str, Message]:
    (root / "room").mkdir()
    (root / "room" / "zh_CN.po").write_text(ENGLISH, "utf-8")
    if not new:
        (root / "room" / "fr.po").write_text(FRENCH, "utf-8")
    bring_up_to_date(root, new)
    with (root / "room" / "fr.po").open("rb") as file:
        return {each.context or str(each.id): each for each in read_po(file, "fr") if each.id}


def test_a_language_follows_the_english(tmp_path: Path):
    found = written(tmp_path)
    assert list(found) == ["same", "changed", "days", "kept in English"]
    assert (found["same"].string, found["same"].fuzzy) == ("Enregistrer", False)
    assert (found["changed"].id, found["changed"].string, found["changed"].fuzzy) == ("Close it now", "Fermer", True)
    assert '#| msgid "Close it"' in (tmp_path / "room" / "fr.po").read_text("utf-8")


def test_a_new_language_has_everything_still_to_be_said(tmp_path: Path):
    found = written(tmp_path, "fr")
    same, changed, days, kept = (each.string for each in found.values())
    assert (same, changed, {*days}, kept) == ("", "", {""}, "")
    assert f"nplurals={len(days)}; plural=" in (tmp_path / "room" / "fr.po").read_text("utf-8")


def test_what_is_up_to_date_is_left_as_it_is(tmp_path: Path):
    ours = {path.relative_to(ROOT): path.read_text("utf-8") for path in (ROOT / "notifications").rglob("*.po")}
    for path, text in ours.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    assert len(bring_up_to_date(tmp_path)) > 4
    assert [str(path) for path, text in ours.items() if (tmp_path / path).read_text("utf-8") != text] == []
