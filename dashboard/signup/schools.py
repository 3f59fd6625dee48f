"""Schools to choose from while one types: those that a campaign's candidates name, then a few that many know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

MOST: Final = 40
_WELL_KNOWN: Final[dict[str, tuple[str, ...]]] = {
    "zh-CN": (
        "北京大学", "清华大学", "复旦大学", "上海交通大学", "浙江大学", "南京大学", "武汉大学", "华中科技大学",
        "中山大学", "四川大学", "西安交通大学", "哈尔滨工业大学",
    ),
    "en": (
        "Peking University", "Tsinghua University", "Fudan University", "Shanghai Jiao Tong University",
        "Zhejiang University", "Nanjing University", "Wuhan University", "Sun Yat-sen University",
        "Xi'an Jiaotong University", "Harbin Institute of Technology",
    ),
}  # fmt: skip


def suggested(lang: str, named: Sequence[str]) -> list[str]:
    """Each once, those that were named most first."""
    return list(dict.fromkeys([*named, *_WELL_KNOWN[lang]]))[:MOST]
