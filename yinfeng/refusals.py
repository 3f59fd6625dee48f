"""Why something was refused, on the page for people, in their language."""

from __future__ import annotations

import re
from typing import Final

from notifications.drawing import in_chinese

TOLD: Final = frozenset({400, 403, 409})  # the others' details are for machines, or say nothing to a person


def why(status: int, detail: str, lang: str) -> str | None:
    """The reason as it is shown; None where there is none for people, or none in this language."""
    if status not in TOLD:
        return None
    if lang != "zh-CN":
        return f"{detail[:1].upper()}{detail[1:]}"
    chinese = in_chinese(detail, LIKE, WORDS)
    return chinese if chinese != detail else None


WORDS: Final[dict[str, str]] = {
    "sent": "已发送",
    "delivered": "已送达",
    "claimed": "发送中",
    "requested": "待发送",
    "cancelled": "已取消",
    "bounced": "被退回",
    "dropped": "被丢弃",
    "complained": "被投诉",
    "unknown": "结果未知",
    "held": "暂存",
    "suppressed": "地址停发",
    "failed": "发送失败",
    "void": "无效",
    "early": "尚未开放签到",
    "over": "招聘会已结束",
}
LIKE: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern, re.DOTALL), chinese)
    for pattern, chinese in (
        ("say why: the reason is kept with the message", "请写明原因，原因会与消息一并保存。"),
        (r"message (\d+) was forgotten with its candidate.*", "第 {0} 号消息已随求职者信息删除，没有可发送的内容。"),
        (r"message (\d+) is (\w+); it is on its way already", "第 {0} 号消息{1}，已在发送途中。"),
        (
            r"message (\d+) is (\w+); only what waits, failed or is in doubt can be cancelled",
            "第 {0} 号消息{1}；只有待发送、发送失败或结果未知的消息才能取消。",
        ),
        (
            r"message (\d+) is (\w+): its reader may have it already.*",
            "第 {0} 号消息{1}，收信人可能已经收到，重发可能造成重复；确要重发，请勾选后再试。",
        ),
        (r"this ticket admits nobody now: it is (\w+)", "此票现在不能入场：{0}。"),
        ("something else was said of this ticket at the same moment.*", "同一时刻此票另有操作，请重新查看。"),
        ("nobody shuts the account that they are signed in with", "不能停用您正在使用的账号。"),
        ("this is for people with an account; you are signed in with a key", "此页供账号用户使用，您以密钥登录。"),
        ("there is nothing of yours to undo", "没有可由您撤销的操作。"),
        ("it is too late to undo that with one click.*", "已超过一键撤销的时间，请填写原因撤回。"),
        (r"this needs the role (.*); the .*", "此操作需要其他角色。"),
        (r".* may enter some campaigns only; this is about all of them", "您只能进入部分招聘活动，此页涉及全部活动。"),
    )
)
