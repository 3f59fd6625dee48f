"""What is wrong with a template, in its author's language."""

from __future__ import annotations

import re
from typing import Final

from notifications.drawing import in_chinese


def fault(said: str, lang: str) -> str:
    """A fault as it is shown."""
    return in_chinese(said, LIKE, {}) if lang == "zh-CN" else said


LIKE: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern, re.DOTALL), chinese)
    for pattern, chinese in (
        (r"has (\d+) characters; (\d+) are the most", "共 {0} 字，最多 {1} 字"),
        ("is empty; a mail needs a subject", "标题为空，邮件须有标题"),
        (
            r"line (\d+): (.*); put {% if %} and {% endif %} in one line, or alone in theirs",
            "第 {0} 行：{1}；请将 {{% if %}} 与 {{% endif %}} 写在同一行，或各自单独成行",
        ),
        ("is nested too deep", "嵌套过深"),
        (
            "put {% for %} and {% endfor %} alone in their lines, not within text; a list in text is said by .join",
            "请将 {{% for %}} 与 {{% endfor %}} 各自单独成行，不要写在文字中；文字中的列表请用 |join",
        ),
        (r"line (\d+): (\w+) is not for templates", "第 {0} 行：模板中不能使用 {1}"),
        (r"line (\d+): there is no filter (.*) here; there are (.*)", "第 {0} 行：没有过滤器 {1}，可用：{2}"),
        (r"line (\d+): only (.*) can be called", "第 {0} 行：只能调用 {1}"),
        (r"line (\d+): m is called: m.button\(…\)", "第 {0} 行：m 须这样调用：m.button(…)"),
        (r"loops are (\d+) deep; (\d+) are the most", "循环嵌套 {0} 层，最多 {1} 层"),
        (r"there is no (.*); did you mean (.*)\?", "没有 {0}，是否指 {1}？"),
        (r"there is no (.*)", "没有 {0}"),
        (r"(\S+) may be missing: say it within (.*)", "{0} 可能没有值：请写在 {1} 之内"),
        ("is no e-mail address such as li@example.com", "请填邮箱地址，例如 li@example.com"),
        (r"the template \S+ can't be filled: (.*)", "模板无法填充：{0}"),
    )
)
