"""What walls and the page of their links say, by language and key. `{name}` is filled in."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "wall.on": "Live · as of {time}",
        "wall.pause": "Hold",
        "wall.resume": "Go on",
        "wall.next": "Next",
        "nav.walls": "Walls",
        "walls.own": "Look at the wall yourself",
        "walls.title": "Walls",
        "walls.lead": "Links for a screen in a hall: whoever has one sees targets, live, and nothing else.",
        "walls.none": "No link yet. Make the first one.",
        "walls.make": "Make a link",
        "walls.make.submit": "Make the link",
        "walls.name": "Where does it hang?",
        "walls.campaigns": "Only these campaigns",
        "walls.campaigns.hint": "None chosen means all of them; the wall shows one after the other.",
        "walls.all": "all campaigns",
        "walls.open": "Open in English",
        "walls.open.zh": "Open in Chinese",
        "walls.revoke": "Revoke",
        "walls.revoked": "revoked",
        "action.wall_made": "Made a wall’s link",
        "action.wall_revoked": "Revoked a wall’s link",
    },
    "zh-CN": {
        "wall.on": "实时 · 截至 {time}",
        "wall.pause": "停留",
        "wall.resume": "继续",
        "wall.next": "下一个",
        "nav.walls": "大屏",
        "walls.own": "自己查看大屏",
        "walls.title": "大屏链接",
        "walls.lead": "供会场屏幕使用的链接：持有者实时看到目标进度，看不到其他任何内容。",
        "walls.none": "还没有链接，请生成第一个。",
        "walls.make": "生成链接",
        "walls.make.submit": "生成链接",
        "walls.name": "挂在哪里？",
        "walls.campaigns": "仅这些招聘活动",
        "walls.campaigns.hint": "不选表示全部；大屏会依次轮换显示。",
        "walls.all": "全部招聘活动",
        "walls.open": "以英文打开",
        "walls.open.zh": "以中文打开",
        "walls.revoke": "撤销",
        "walls.revoked": "已撤销",
        "action.wall_made": "生成大屏链接",
        "action.wall_revoked": "撤销大屏链接",
    },
}
