"""Templates that HR writes: how prose becomes a mail, what is refused and how that is said, samples and trials."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications.authoring.trying import Workbench, troubles
from notifications.sending import templates_apart
from notifications.sending.rendering import LOCALES
from notifications.sending.samples import SOMETIMES, lacking, sample
from notifications.sending.template_checking import faults, names
from notifications.sending.template_parts import default_parts, expanded, source
from notifications.sending.template_process import TOO_MUCH
from notifications.sending.templates_apart import TemplatesApart
from schemas.errors import SendRefused
from schemas.kinds import TEMPLATED
from schemas.messages import Parts
from tests.renderer import RENDERER
from tests.unit.test_rendering import LINKS, WRITER, Reader, campaign, letter

NIGHT = datetime(2026, 3, 1, 15, tzinfo=UTC)  # 23:00 in Shanghai
KINDS = [(kind, locale) for kind in TEMPLATED for locale in LOCALES]
DESK = Workbench(WRITER, LINKS, RENDERER)


def sampled(kind: str, locale: str = "en") -> Any:
    return sample(kind, locale, campaign("zh-CN"), sender=WRITER, links=LINKS, now=NIGHT)


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Berlin", "America/Los_Angeles", "Pacific/Auckland"])
@pytest.mark.parametrize("hour", range(0, 24, 2))
def test_there_is_a_sample_at_every_hour_and_everywhere(hour: int, zone: str):
    for kind in TEMPLATED:
        here, now = campaign("en") | {"timezone": zone}, NIGHT.replace(hour=hour)
        assert sample(kind, "en", here, sender=WRITER, links=LINKS, now=now).to


def parts(content: str = "Hello {{ name }}", subject: str = "S", footer: str = "") -> Parts:
    return Parts(subject, content, footer)


def said(content: str, kind: str = "offer") -> list[str]:
    return [error.message for error in faults(parts(content), sampled(kind).values)]


@pytest.mark.parametrize(("kind", "locale"), KINDS)
def test_a_sample_has_what_real_messages_have_at_any_hour(kind: str, locale: str):
    made = sampled(kind, locale)
    assert made.locale == locale
    assert set(names(made.values)) >= set(names(letter(kind, locale).values)) - {"fair.url"}
    assert "None" not in RENDERER.render(kind, locale, made.values).text


@pytest.mark.parametrize(("kind", "locale"), KINDS)
def test_the_default_is_a_template_that_hr_might_have_written(kind: str, locale: str):
    default, made = default_parts(kind, locale), sampled(kind, locale)
    assert troubles(DESK, kind, locale, default, made.values) == []
    ours, theirs = (RENDERER.render(kind, locale, made.values, own) for own in (None, default))
    assert ours == theirs


@pytest.mark.parametrize("kind", sorted(SOMETIMES))
def test_what_a_message_may_lack_is_taken_from_the_sample(kind: str):
    values = sampled(kind).values
    for path, without in lacking(kind, values):
        *before, last = path.split(".")
        inner = without
        for name in before:
            inner = inner[name]
        assert inner[last] is None
    assert len(lacking(kind, values)) >= len([path for path in SOMETIMES[kind] if path not in ("before", "reason")])


@pytest.mark.parametrize(
    ("line", "made"),
    [
        ("Hello {{ name }}", "{% call m.paragraph() %}Hello {{ name }}{% endcall %}\n"),
        ("# Title", "{% call m.headline() %}Title{% endcall %}\n"),
        ("{% if fair %}", "{% if fair %}\n"),
        ('{% if x %}{{ m.button("Go", link) }}{% endif %}', '{% if x %}{{ m.button("Go", link) }}{% endif %}\n'),
        ("{% if x %}yes{% endif %}", "{% call m.paragraph() %}{% if x %}yes{% endif %}{% endcall %}\n"),
        ("{# a note #}", "{# a note #}\n"),
        ("a\n\n", "{% call m.paragraph() %}a{% endcall %}\n\n"),
    ],
)
def test_a_line_is_a_paragraph_unless_it_is_tags_alone(line: str, made: str):
    assert expanded(line, "paragraph") == made


def test_prose_becomes_html_and_text_alike():
    own = parts(
        "# Welcome, {{ name }}!\n5 < 6 & <b>so</b>\n\n{% if offer.city %}In {{ offer.city }}{% endif %}", footer="Bye"
    )
    values = {name: value for name, value in sampled("offer").values.items() if name != "own_page"}
    mail = RENDERER.render("offer", "en", values, own)
    seen = Reader(mail.html)
    assert "b" not in seen.tags
    assert "5 < 6 & <b>so</b>" in seen.words
    assert mail.text.startswith("Welcome, Siyu Li!\n\n5 < 6 & <b>so</b>\n\nIn Wuhan\n\n--\nBye\n")
    assert "reply to this mail" in mail.text
    assert seen.title == mail.subject == "S"


def test_an_empty_paragraph_leaves_no_gap():
    own = parts("{% if not offer.city %}Where?{% endif %}\nThere")
    assert "<p" in RENDERER.render("offer", "en", sampled("offer").values, own).html
    assert RENDERER.render("offer", "en", sampled("offer").values, own).html.count('<p style="margin:0 0 16px;">') == 1


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("{{ nam }}", "there is no nam; did you mean name?"),
        ("{{ offer.emploier }}", "there is no offer.emploier; did you mean offer.employer?"),
        ("{{ fair.title }}", "there is no fair.title"),
        ("{% if offer.when %}x{% endif %}", "there is no offer.when"),
        ("{% for x in name %}{{ y }}{% endfor %}", "there is no y"),
        ("{{ name", "line 1:"),
        ("{% endblock %}", "line 1:"),
        ("{% if name %}a", "line 1:"),
        ("{% if name %}text\nmore{% endif %}", "put {% if %} and {% endif %} in one line"),
        ("{% for a in name %}{{ a }}{% endfor %}", "alone in their lines"),
        ("Hello {% for a in name %}\n{% endfor %}", "line 1:"),
        ("{% set a = name %}", "Assign is not for templates"),
        ("{% include 'x' %}", "Include is not for templates"),
        ("{% extends 'x' %}", "Extends is not for templates"),
        ("{% block x %}{% endblock %}", "Block is not for templates"),
        ("{% macro x() %}{% endmacro %}", "Macro is not for templates"),
        ("{{ name * 100 }}", "Mul is not for templates"),
        ("{{ 9 ** 9 }}", "Pow is not for templates"),
        ("{{ name[0] }}", "Getitem is not for templates"),
        ("{{ name.__class__ }}", "there is no name.__class__"),
        ("{{ range(10) }}", "only m.rows, m.button"),
        ("{{ name.upper() }}", "only m.rows, m.button"),
        ("{{ m._row('x') }}", "only m.rows, m.button"),
        ("{{ m.paragraph('x') }}", "only m.rows, m.button"),
        ("{{ m }}", "m is called: m.button(…)"),
        ("{{ name|safe }}", "there is no filter 'safe' here"),
        ("{{ name|attr('x') }}", "there is no filter 'attr' here"),
        ("{% for a in name %}{% for b in name %}{% for c in name %}{% endfor %}{% endfor %}{% endfor %}", "3 deep"),
        ("x" * 20_001, "has 20001 characters; 20000 are the most"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", ""),
    ],
)  # fmt: skip
def test_what_a_template_may_not_do_is_said(content: str, fault: str):
    assert any(fault in message for message in said(content)), said(content)


def test_no_subject_has_a_loop():
    [found] = faults(parts(subject="{% for a in name %}{{ a }}{% endfor %}"), sampled("offer").values)
    assert (found.field, "alone in their lines" in found.message) == ("subject", True)


def test_every_part_is_checked_and_named():
    found = faults(Parts(" ", "{{ a }}", "{{ b }}"), sampled("offer").values)
    assert [(error.field, error.message.split(";")[0]) for error in found] == [
        ("subject", "is empty"),
        ("content", "there is no a"),
        ("footer", "there is no b"),
    ]


@pytest.mark.parametrize(
    ("kind", "content", "advice"),
    [
        ("signup_confirmation", "{{ fair.title }}", "fair may be missing"),
        ("signup_confirmation", "{% if fair %}{{ ticket.url }}{% endif %}", "ticket may be missing"),
        ("offer", "In {{ offer.city }}", "offer.city may be missing"),
        ("offer", "In {{ offer.city|upper }}", "offer.city may be missing"),
        ("offer", "{{ m.button() }}", "can't be filled"),
    ],
)
def test_what_would_stop_some_of_the_mails_is_found_before(kind: str, content: str, advice: str):
    found = troubles(DESK, kind, "en", parts(content), sampled(kind).values)
    assert any(advice in error.message for error in found), found
    guarded = "{% if fair %}{{ fair.title }}{% endif %}" if "fair" in content else "{{ offer.city or 'here' }}"
    assert troubles(DESK, kind, "en", parts(guarded), sampled(kind).values) == []


@given(st.text(st.sampled_from("{}%#m.name ()|~'\"[]<if endif for in x0\n"), max_size=60))
@settings(max_examples=400, deadline=None)
def test_whatever_is_written_is_refused_with_a_reason_or_makes_a_mail(content: str):
    values = sampled("offer").values
    own = parts(content)
    if not troubles(DESK, "offer", "en", own, values):
        mail = RENDERER.render("offer", "en", values, own)
        assert not {"script", "img", "iframe"} & set(Reader(mail.html).tags)


def test_a_mail_without_end_is_refused():
    own = replace(parts(), content="{{ name }}" * 900)
    with pytest.raises(SendRefused, match="more than 200000 characters"):
        RENDERER.render("offer", "en", {**sampled("offer").values, "name": "x" * 1000}, own)
    endless = parts("{% for a in targets %}{% for b in targets %}\n" + "x" * 10_000 + "\n{% endfor %}{% endfor %}")
    assert faults(endless, sampled("daily_digest").values) == []
    many = {**sampled("daily_digest").values, "targets": sampled("daily_digest").values["targets"] * 100_000}
    with pytest.raises(SendRefused, match="more than 200000 characters"):
        RENDERER.render("daily_digest", "en", many, endless)
    assert source(own).count("{% block") == 3


BOMBS = [
    "{{ " + "[name, name, name, name]|join(" * 8 + "name" + ")" * 8 + " }}",
    "{{ " + "[" + ", ".join(["name"] * 900) + "]|join([" + ", ".join(["name"] * 900) + "]|join) }}",
]


@pytest.mark.parametrize("content", BOMBS, ids=["nested", "wide"])
def test_what_would_grow_without_end_is_broken_off_before_it_grows(content: str):
    values = {**sampled("offer").values, "name": "x" * 300}
    with pytest.raises(SendRefused, match="joins more than"):
        RENDERER.render("offer", "en", values, parts(content))


def test_loops_have_so_many_turns_and_no_more():
    content = "{% for a in targets %}\n{% for b in targets %}\n{% endfor %}\n{% endfor %}"
    values = sampled("daily_digest").values
    RENDERER.render("daily_digest", "en", values, parts(content))
    with pytest.raises(SendRefused, match="turns"):
        RENDERER.render("daily_digest", "en", {**values, "targets": values["targets"] * 100}, parts(content))


def test_no_button_leads_to_a_script():
    made = RENDERER.render("offer", "en", sampled("offer").values, parts('{{ m.button("Go", "javascript:alert(1)") }}'))
    assert "javascript:" not in made.html


def test_what_takes_too_much_ends_its_process_alone_and_the_next_mail_is_filled(monkeypatch: pytest.MonkeyPatch):
    apart, values = TemplatesApart(), sampled("offer").values
    monkeypatch.setattr(templates_apart, "_PROGRAM", (sys.executable, "-c", ENDLESS))
    began = time.process_time()
    with pytest.raises(SendRefused, match="takes more than"):
        apart.render("offer", "en", values, parts())
    assert time.process_time() - began < 1  # the time was another's
    assert [error.message for error in apart.faults(parts(), values)] == [TOO_MUCH]
    monkeypatch.undo()
    assert "Hello" in apart.render("offer", "en", values, parts()).text
    apart.close()


def test_a_process_that_ends_by_itself_as_it_is_asked_is_nothing_against_the_template():
    apart, values = TemplatesApart(), sampled("offer").values
    apart._process = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert "Hello" in apart.render("offer", "en", values, parts()).text
    apart.close()


def test_the_process_for_templates_has_little_memory_and_no_files():
    apart = TemplatesApart()
    apart.render("offer", "en", sampled("offer").values, parts())
    assert apart._process is not None
    limits = Path(f"/proc/{apart._process.pid}/limits").read_text()
    environment = Path(f"/proc/{apart._process.pid}/environ").read_bytes()
    apart.close()
    [space] = re.findall(r"Max address space +(\d+)", limits)
    assert int(space) < 2**30
    assert re.search(r"Max file size +0 ", limits)
    assert re.search(r"Max cpu time +\d+ ", limits)
    assert b"YINFENG" not in environment


# What the process would be if HR's template could make it spin: the limits are what ends it.
ENDLESS = """
from notifications.sending import template_process as it
it.ANSWERS = dict.fromkeys(it.ANSWERS, lambda *_: [None for _ in iter(int, 1)])
it.main()
"""
