"""Why a message stands as it does is said in the reader's language."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import notifications
from notifications.authoring.faults import fault
from notifications.pages.reasons import reason
from notifications.sending.doubts import OUTCOMES
from yinfeng.web.refusals import why


def reasons() -> set[str]:
    """Each reason that is written out in a `NotNow` of the sending."""
    found = set()
    for path in (Path(notifications.__file__).parent / "sending").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "NotNow":
                found |= {
                    each.value
                    for each in ast.walk(node.args[1])
                    if isinstance(each, ast.Constant) and isinstance(each.value, str) and each.value.islower()
                    if " " in each.value.strip() and not each.value.endswith(" ")
                }
    return found


def test_every_reason_has_its_chinese():
    known = reasons()
    assert len(known) > 25
    missing = {each for each in known if not re.search("[\u4e00-\u9fff]", reason(each, "zh-CN"))}
    assert missing <= {" mails within the hour"}
    assert all(reason(each, "en") == each for each in known)


@pytest.mark.parametrize(
    ("said", "chinese"),
    [
        ("the offer is declined", "录用已婉拒"),
        ("HR had 60 mails within the hour", "招聘方一小时内已收到 60 封邮件"),
        ("mail to this address came back on 2026-03-01", "发往该地址的邮件被退回（2026-03-01）"),
        ("resent by Li: she asked", "Li 重发：she asked"),
        ("550 5.1.1 no such user", "550 5.1.1 no such user"),
        *((text, None) for _, text in OUTCOMES.values()),
    ],
)
def test_what_varies_is_said_too(said: str, chinese: str | None):
    shown = reason(said, "zh-CN")
    assert shown == chinese if chinese else re.search("[\u4e00-\u9fff]", shown)


@pytest.mark.parametrize(
    ("said", "chinese"),
    [
        ("there is no offre.employer; did you mean offer.employer?", "没有 offre.employer，是否指 offer.employer？"),
        ("has 600 characters; 500 are the most", "共 600 字，最多 500 字"),
        ("offer.city may be missing: say it within {% if offer.city %} … {% endif %}",
         "offer.city 可能没有值：请写在 {% if offer.city %} … {% endif %} 之内"),
        ("line 2: unexpected end; put {% if %} and {% endif %} in one line, or alone in theirs",
         "第 2 行：unexpected end；请将 {% if %} 与 {% endif %} 写在同一行，或各自单独成行"),
    ],
)  # fmt: skip
def test_a_template_s_faults_are_said_in_its_author_s_language(said: str, chinese: str):
    assert fault(said, "zh-CN") == chinese
    assert fault(said, "en") == said


def test_a_refusal_says_why_where_a_person_reads_it():
    assert why(409, "message 7 is sent; it is on its way already", "zh-CN") == "第 7 号消息已发送，已在发送途中。"
    assert why(400, "say why: the reason is kept with the message", "en") == (
        "Say why: the reason is kept with the message"
    )
    assert why(409, "something that nobody has put into Chinese", "zh-CN") is None
    assert why(404, "there is no campaign 'x'", "en") is None
