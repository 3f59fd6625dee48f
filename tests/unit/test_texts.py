"""What is said to people, in both languages: catalogues are whole, code asks for what they have, and says nothing
beside them."""

from __future__ import annotations

import ast
import hashlib
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.plurals import get_plural
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, nodes

from schemas import consents
from schemas.consents import VERSION
from schemas.sentences import Sentences, pattern, sentences_of
from schemas.texts import LANGS, SOURCE, TRANSLATED, Plural, catalogue, texts_of
from yinfeng.web.pages import ROOMS

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "storage", "producers", "streams", "notifications", "dashboard", "yinfeng")
SPEAKING = (*ROOMS, "notifications.sending", "producers.forms", "schemas", "yinfeng")
WITH_SENTENCES = ("notifications.authoring", "notifications.pages", "yinfeng")
TRANSLATIONS = [(package, lang) for package in SPEAKING for lang in TRANSLATED]
CHINESE = re.compile("[\u3400-\u9fff]")
WORD = re.compile(r"[A-Za-z]{2,}")


def slots(text: str) -> set[str]:
    """The names that are filled in."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def several(text: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def entries(package: str, lang: str = SOURCE) -> list[Message]:
    return [each for each in catalogue(package, lang) if each.id]


# ---------------------------------------------------------------- the catalogues


def test_every_catalogue_is_somebody_s():
    found = {".".join(path.parent.relative_to(ROOT).parts) for name in PACKAGES for path in (ROOT / name).rglob("*.po")}
    assert found == set(SPEAKING)


def test_the_package_brings_its_catalogues():
    given = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert "*.po" in given["tool"]["setuptools"]["package-data"]["*"]


@pytest.mark.parametrize(("package", "lang"), TRANSLATIONS)
def test_everything_is_translated(package: str, lang: str):
    found = catalogue(package, lang)
    wrong = {
        each.context or each.id
        for each in found
        if each.id and (each.fuzzy or not all(several(each.string)) or len(several(each.string)) != _forms(found, each))
    }
    assert wrong == set()
    assert found.obsolete == {}


def _forms(of: Catalog, message: Message) -> int:
    return of.num_plurals if message.pluralizable else 1


@pytest.mark.parametrize(("package", "lang"), TRANSLATIONS)
def test_a_catalogue_is_of_its_language(package: str, lang: str):
    found, plural = catalogue(package, lang), get_plural(lang.replace("-", "_"))
    header = dict(found.mime_headers)
    assert header["Language"] == lang.replace("-", "_")
    assert found.num_plurals == plural.num_plurals
    if lang == "zh-CN":
        said = ["".join(several(each.string)) for each in found if each.id]
        english = [each for each in said if WORD.search(re.sub(r"{\w+}", "", each)) and not CHINESE.search(each)]
        assert set(english) <= NAMES


@pytest.mark.parametrize(("package", "lang"), TRANSLATIONS)
def test_a_translation_fills_in_what_its_original_does(package: str, lang: str):
    for each in entries(package, lang):
        *one, english = several(each.id)
        assert all(slots(form) <= slots(english) for form in one), each.id
        for form in several(each.string):
            # A sentence may keep from people what it says to machines.
            assert slots(form) == slots(english) if each.context else slots(form) <= slots(english), each.id


@pytest.mark.parametrize(("package", "lang"), TRANSLATIONS)
def test_every_language_has_the_same_english(package: str, lang: str):
    def english(lang: str) -> dict[str, object]:
        return {each.context or str(each.id): each.id for each in entries(package, lang)}

    assert english(lang) == english(SOURCE)


def test_no_two_packages_of_the_pages_have_a_text_of_the_same_name():
    texts_of(*ROOMS)


def test_whoever_changes_what_people_agree_to_changes_its_version():
    said = "\n".join(text for lang in LANGS for text in consents.words(lang).values())
    assert {VERSION: hashlib.sha256(said.encode()).hexdigest()[:16]} == {"2026-11": "26801fc4d4d36949"}


# ---------------------------------------------------------------- what code and templates ask for


def templates() -> dict[str, str]:
    """The pages' templates, by path."""
    folders = (ROOT / "dashboard" / "templates", ROOT / "notifications" / "pages")
    return {str(path.relative_to(ROOT)): path.read_text("utf-8") for each in folders for path in each.rglob("*.html")}


@cache
def parsed() -> dict[str, nodes.Template]:
    return {name: Environment().parse(source) for name, source in templates().items()}


@cache
def modules() -> dict[str, ast.Module]:
    return {
        str(path.relative_to(ROOT)): ast.parse(path.read_text("utf-8"))
        for name in (*PACKAGES, "docs")
        for path in (ROOT / name).rglob("*.py")
    }


def asked_by_templates() -> Iterator[tuple[str, nodes.Call]]:
    for name, tree in parsed().items():
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "t":
                yield name, call


def asked_by_code() -> Iterator[tuple[str, ast.Call]]:
    for name, tree in modules().items():
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and len(call.args) > 1:
                called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
                if called in ("text", "words", "texts"):
                    yield name, call


def test_templates_ask_for_texts_that_there_are_by_their_names_and_counts():
    texts = texts_of(*ROOMS)
    wrong = []
    for name, call in asked_by_templates():
        keys = list(_keys(call.args[0]))
        wrong += [(name, key) for key in keys if key not in texts]
        for key in (key for key in keys if key in texts):
            forms = texts.forms("en", key)
            counted = isinstance(texts.found("en", key), Plural)
            if {each.key for each in call.kwargs} != slots(forms[-1]) or counted is (len(call.args) == 1):
                wrong.append((name, key))
    assert wrong == []


def test_code_asks_for_texts_that_there_are():
    known = {key for package in SPEAKING for key in texts_of(package)}
    asked = {(name, key) for name, call in asked_by_code() for key in _literals(call.args[1])}
    assert len(asked) > 10
    assert {(name, key) for name, key in asked if key not in known} == set()


def test_what_is_put_together_names_texts_that_there_are():
    known = {key for package in SPEAKING for key in texts_of(package)}
    made = [*(_like(call.args[0]) for _, call in asked_by_templates()), *(_made(c.args[1]) for _, c in asked_by_code())]
    assert [each for each in made if each and not any(re.fullmatch(each, key) for key in known)] == []


def test_what_fields_are_told_is_a_text():
    known = {key for package in SPEAKING for key in texts_of(package)}
    told = {
        each.value
        for tree in modules().values()
        for each in ast.walk(tree)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
        if re.fullmatch(r"(form|signup|error|measure|value|own)(\.[a-z_]+)+", each.value) and ".html" not in each.value
    }
    assert len(told) > 20
    assert told - known == set()


def test_nothing_is_said_that_nobody_asks_for():
    exactly, like = set(), set()
    for tree in parsed().values():
        exactly |= {each.value for each in tree.find_all(nodes.Const) if isinstance(each.value, str)}
        like |= {found for each in tree.find_all((nodes.Concat, nodes.Add)) if (found := _like(each))}
    for tree in modules().values():
        for each in ast.walk(tree):
            if isinstance(each, ast.Constant) and isinstance(each.value, str):
                exactly.add(each.value)
            elif isinstance(each, ast.JoinedStr) and (found := _made(each)):
                like.add(found)
    known = [key for package in SPEAKING for key in texts_of(package)]
    assert [key for key in known if key not in exactly and not any(re.fullmatch(each, key) for each in like)] == []


def _keys(node: nodes.Node) -> Iterator[str]:
    """The keys that stand in a template as they are."""
    if isinstance(node, nodes.Const):
        yield node.value
    elif isinstance(node, nodes.CondExpr):
        yield from _keys(node.expr1)
        yield from _keys(node.expr2)


def _literals(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)


def _like(node: nodes.Node) -> str:
    """The pattern of keys that a template puts together; empty where nothing is known of them."""
    if not isinstance(node, (nodes.Concat, nodes.Add)):
        return ""
    parts = node.nodes if isinstance(node, nodes.Concat) else [node.left, node.right]
    return _pattern([each.value if isinstance(each, nodes.Const) else None for each in parts])


def _made(node: ast.expr) -> str:
    if not isinstance(node, ast.JoinedStr):
        return ""
    return _pattern([str(each.value) if isinstance(each, ast.Constant) else None for each in node.values])


def _pattern(parts: list[str | None]) -> str:
    """Of a key with a place in it that is not known; it must have a first part that is."""
    if not parts[0] or "." not in parts[0] or not re.fullmatch(r"[\w.]+", "".join(each or "" for each in parts)):
        return ""
    return "".join(".*" if each is None else re.escape(each) for each in parts)


# ---------------------------------------------------------------- no words beside them

# Where Chinese stands that is no text of ours: names, examples and documentation of data, what is read, not said.
CHINESE_DATA = {
    "dashboard/signup/schools.py": "names of schools",
    "producers/forms/reading.py": "how people write dates",
    "schemas/campaign_facts.py": "the documentation of facts, in both languages side by side",
    "schemas/candidate_facts.py": "the documentation of facts, in both languages side by side",
    "schemas/emitted.py": "the documentation of facts",
    "schemas/names.py": "how companies end their names",
    "storage/vault/searching.py": "how names are read",
    "producers/forms/posting.py": "a reason that is kept in both languages",
}
BRAND = "引凤"


def test_no_module_speaks_chinese_by_itself():
    told = set()
    for name, tree in modules().items():
        if name in CHINESE_DATA or name.startswith(("yinfeng/demo/", "yinfeng/commands/", "docs/")):
            continue
        documented = {id(each.body[0].value) for each in ast.walk(tree) if _is_documented(each)}
        told |= {
            (name, each.value)
            for each in ast.walk(tree)
            if isinstance(each, ast.Constant) and isinstance(each.value, str) and id(each) not in documented
            if CHINESE.search(each.value.replace(BRAND, ""))
        }
    assert told == set()


def _is_documented(node: ast.AST) -> bool:
    return (
        isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and bool(node.body)
        and isinstance(node.body[0], ast.Expr)
        and isinstance(node.body[0].value, ast.Constant)
    )


class Said(HTMLParser):
    """What a page says: its text, and the attributes that are read out."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._silent = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent = tag if tag in ("script", "style") else ""
        self.words += [value or "" for name, value in attrs if name in READ_OUT]

    def handle_endtag(self, tag: str) -> None:
        self._silent = ""

    def handle_data(self, data: str) -> None:
        """Text, without the attributes that a macro puts together, and without addresses."""
        if not self._silent:
            self.words.append(re.sub(r'[\w-]+="[^"]*"|/\w+', " ", data))


READ_OUT = ("title", "alt", "placeholder", "aria-label", "aria-description", "aria-valuetext")
# Names and code, the same in every language.
NAMES = {"UTC", "PNG", "PDF", "SendGrid", "SMTP", "yinfeng", "demo", "Website"}  # the last is for robots alone


@pytest.mark.parametrize("name", templates())
def test_no_page_says_what_is_in_no_catalogue(name: str):
    source = templates()[name]
    assert not CHINESE.search(source)
    said = Said()
    said.feed(re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}", " ", source, flags=re.DOTALL))
    assert set(WORD.findall(" ".join(said.words))) - NAMES == set()


@pytest.mark.parametrize(
    "path", sorted((ROOT / "notifications" / "templates").glob("*.j2")), ids=lambda path: path.name
)
def test_what_all_mails_share_says_nothing_by_itself(path: Path):
    source = path.read_text("utf-8")
    said = Said()
    said.feed(re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}", " ", source, flags=re.DOTALL))
    assert not CHINESE.search(source)
    assert WORD.findall(" ".join(said.words)) == []


def test_no_script_or_poster_says_anything_by_itself():
    files = [path for name in ("dashboard", "notifications") for end in ("js", "typ", "css") for path in
             (ROOT / name).rglob(f"*.{end}")]  # fmt: skip
    assert [path.name for path in files if CHINESE.search(path.read_text("utf-8"))] == []


# ---------------------------------------------------------------- how texts are given

HEADER = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n"Plural-Forms: {}\\n"\n\n'


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package that says a few things."""
    (tmp_path / "spoken").mkdir()
    (tmp_path / "spoken" / "__init__.py").touch()
    (tmp_path / "spoken" / "zh_CN.po").write_text(
        HEADER.format("nplurals=2; plural=(n > 2);")
        + 'msgctxt "a"\nmsgid "Hello, {name}"\nmsgstr "{name}，您好"\n\n'
        + 'msgctxt "b"\nmsgid "1 day"\nmsgid_plural "{days} days"\nmsgstr[0] "{days} 天"\nmsgstr[1] "{days} 多天"\n\n'
        + '#, fuzzy\nmsgctxt "c"\nmsgid "Good"\nmsgstr "坏"\n\n'
        + 'msgctxt "d"\nmsgid "New"\nmsgstr ""\n\n'
        + 'msgctxt "e"\nmsgid "1 hit"\nmsgid_plural "{n} hits"\nmsgstr[0] ""\nmsgstr[1] ""\n\n'
        + 'msgid "kept"\nmsgstr "保留"\n',
        "utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield "spoken"
    texts_of.cache_clear()
    sentences_of.cache_clear()


def test_a_text_is_asked_for_by_language_key_and_count(package: str):
    text = texts_of(package)
    assert [text(lang, "a", name="Li") for lang in LANGS] == ["Hello, Li", "Li，您好"]
    assert [text("en", "b", count, days=count) for count in (0, 1, 2)] == ["0 days", "1 day", "2 days"]
    assert [text("zh-CN", "b", count, days=count) for count in (2, 3)] == ["2 天", "3 多天"]
    assert list(text) == ["a", "b", "c", "d", "e"]


def test_what_is_not_translated_or_in_doubt_is_said_in_english(package: str):
    assert [texts_of(package)("zh-CN", key) for key in ("c", "d")] == ["Good", "New"]
    assert texts_of(package)("zh-CN", "e", 3, n=3) == "3 hits"


def test_a_text_that_there_is_not_is_an_error_at_once(package: str):
    text = texts_of(package)
    with pytest.raises(KeyError, match="kept"):
        text("en", "kept")
    with pytest.raises(TypeError, match="needs a count"):
        text("zh-CN", "b")
    with pytest.raises(TypeError, match="has no count"):
        text("en", "a", 1)


def test_two_packages_with_a_text_of_one_name_are_refused(package: str):
    with pytest.raises(ValueError, match="same name as another: a, b"):
        texts_of(package, package)


# ---------------------------------------------------------------- sentences that are kept in English


@given(st.text(max_size=30), st.integers(0, 10**9))
def test_a_sentence_is_found_whatever_is_filled_in(why: str, number: int):
    kept = "message {number}: {why}!"
    found = pattern(kept).fullmatch(kept.format(number=number, why=why))
    assert found is not None
    assert (found["number"], found["why"]) == (str(number), why)


def test_of_two_sentences_the_longer_one_is_meant_and_values_are_said_too(package: str):
    known = Sentences({"zh-CN": [(pattern(each), said) for each, said in SENTENCES]})
    assert known.said("it is kept", "zh-CN") == "这是保留"
    assert known.said("unheard of", "zh-CN") is None
    assert known.said("unheard of", "en") == "unheard of"
    assert sentences_of(package).said("kept", "zh-CN") == "保留"


FILLED = {"number": "7", "word": "sent", "day": "2026-03-01"}
SENTENCES = [("it is {word}", "这是{word}"), ("kept", "保留")]


@pytest.mark.parametrize("package", WITH_SENTENCES)
def test_no_sentence_is_hidden_by_a_shorter_one(package: str):
    for each in entries(package):
        if not each.context:
            values = {
                name: {"number": "7", "word": "sent", "day": "2026-03-01"}.get(name, "x") for name in slots(each.id)
            }
            said = sentences_of(package).said(str(each.id).format(**values), "zh-CN")
            like = pattern(str(each.string))
            assert said is not None, each.id
            assert like.fullmatch(said), each.id
