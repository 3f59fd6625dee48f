"""Plausible, invented people: names in both scripts, reserved e-mail domains, numbers that ring nowhere."""

from __future__ import annotations

from random import Random
from typing import NamedTuple
from unicodedata import normalize

from yinfeng.demo.universities import CHAINS, CHINESE, COLLEGES, FOREIGN, School

ENGLISH_SHARE = 1 / 8
_OWN_FAIR_SHARE = 0.55
_DOMAINS = ("mail.example.com", "stu.example.com", "post.example.org", "box.example.net")


class DemoPerson(NamedTuple):
    """Who a candidate is. The fields from `name` on are the keys of a `candidate.signed_up`."""

    name: str
    email: str
    phone: str
    locale: str
    education: str
    school: str
    major: str
    graduation_year: int
    chain: str

    def said(self) -> dict[str, object]:
        """What the person's signup says: the industry chain as people in the park call it."""
        return {**self._asdict(), "chain": CHAINS[self.chain].name.zh}

    def corrected(self) -> DemoPerson:
        """The same person with another e-mail address, as after a slip of the pen."""
        local, domain = self.email.split("@")
        return self._replace(email=f"{local}.new@{domain}")


def invent_person(
    rng: Random,
    number: int,
    *,
    education: str,
    year: int,
    chain: str | None = None,
    host: School | None = None,
) -> DemoPerson:
    """A candidate who graduates in `year`. `number` goes into e-mail and phone; `host`: the fair's school."""
    english = rng.random() < ENGLISH_SHARE
    locale = "en" if english else "zh-CN"
    name, latin = _english_name(rng) if english else _chinese_name(rng)
    chain = chain or pick_chain(rng)
    return DemoPerson(
        name=name,
        email=f"{latin}{number:05d}@{rng.choice(_DOMAINS)}",
        phone=_phone(number, english),
        locale=locale,
        education=education,
        school=_school(rng, english, education, host).name,
        major=rng.choice(CHAINS[chain].majors).in_locale(locale),
        graduation_year=year,
        chain=chain,
    )


def pick_chain(rng: Random, among: tuple[str, ...] = tuple(CHAINS)) -> str:
    """One of the chains, by its weight."""
    return rng.choices(among, weights=[CHAINS[name].weight for name in among])[0]


def _school(rng: Random, english: bool, education: str, host: School | None) -> School:
    if education in ("vocational", "associate"):
        return _weighted(rng, COLLEGES)
    if host and rng.random() < _OWN_FAIR_SHARE:
        return host
    return _weighted(rng, FOREIGN if english and rng.random() < 0.7 else CHINESE)


def _weighted(rng: Random, schools: tuple[School, ...]) -> School:
    return rng.choices(schools, weights=[school.weight for school in schools])[0]


def _chinese_name(rng: Random) -> tuple[str, str]:
    surname, surname_latin = rng.choices(_SURNAMES, weights=_SURNAME_WEIGHTS)[0]
    given = rng.sample(_GIVEN, k=1 if rng.random() < 0.14 else 2)
    return surname + "".join(c for c, _ in given), surname_latin + "".join(latin for _, latin in given)


def _english_name(rng: Random) -> tuple[str, str]:
    given, surname = rng.choice(_ENGLISH_GIVEN), rng.choice(_ENGLISH_SURNAMES)
    plain = normalize("NFKD", f"{given}.{surname}").encode("ascii", "ignore").decode().lower()
    return f"{given} {surname}", "".join(c for c in plain if c.isalnum() or c == ".")


def _phone(number: int, english: bool) -> str:
    # +86 100… was never given out; the British regulator keeps a thousand numbers of each of these free for fiction.
    if english:
        return f"+44 {_FREE_FOR_FICTION[number // 1000 % len(_FREE_FOR_FICTION)]}{number % 1000:03d}"
    return f"+86 100 0{number // 10000:03d} {number % 10000:04d}"


_FREE_FOR_FICTION = (
    *("7700 900", "1632 960", "113 496 0", "114 496 0", "115 496 0", "116 496 0", "117 496 0", "118 496 0"),
    *("121 496 0", "131 496 0", "141 496 0", "151 496 0", "161 496 0", "191 498 0", "20 7946 0", "29 2018 0"),
)

_SURNAMES = (
    ("王", "wang"), ("李", "li"), ("张", "zhang"), ("刘", "liu"), ("陈", "chen"), ("杨", "yang"),
    ("黄", "huang"), ("赵", "zhao"), ("吴", "wu"), ("周", "zhou"), ("徐", "xu"), ("孙", "sun"),
    ("马", "ma"), ("朱", "zhu"), ("胡", "hu"), ("郭", "guo"), ("何", "he"), ("林", "lin"),
    ("高", "gao"), ("罗", "luo"), ("郑", "zheng"), ("梁", "liang"), ("谢", "xie"), ("宋", "song"),
    ("唐", "tang"), ("许", "xu"), ("韩", "han"), ("冯", "feng"), ("邓", "deng"), ("曹", "cao"),
    ("彭", "peng"), ("曾", "zeng"), ("肖", "xiao"), ("田", "tian"), ("董", "dong"), ("潘", "pan"),
    ("袁", "yuan"), ("蔡", "cai"), ("蒋", "jiang"), ("余", "yu"), ("于", "yu"), ("杜", "du"),
    ("叶", "ye"), ("程", "cheng"), ("魏", "wei"), ("苏", "su"), ("吕", "lv"), ("丁", "ding"),
    ("任", "ren"), ("沈", "shen"), ("姚", "yao"), ("卢", "lu"), ("姜", "jiang"), ("崔", "cui"),
    ("钟", "zhong"), ("谭", "tan"), ("陆", "lu"), ("汪", "wang"), ("范", "fan"), ("金", "jin"),
    ("欧阳", "ouyang"), ("诸葛", "zhuge"),
)  # fmt: skip

# The commonest surnames are some ten times as common as others, and double ones rare, as in the census.
_SURNAME_WEIGHTS = [0.2 if len(name) > 1 else max(3, 30 - 2 * n) for n, (name, _) in enumerate(_SURNAMES)]

_GIVEN = (
    ("伟", "wei"), ("芳", "fang"), ("敏", "min"), ("静", "jing"), ("磊", "lei"), ("洋", "yang"),
    ("艳", "yan"), ("勇", "yong"), ("杰", "jie"), ("涛", "tao"), ("明", "ming"), ("超", "chao"),
    ("雪", "xue"), ("霞", "xia"), ("辉", "hui"), ("丹", "dan"), ("鹏", "peng"), ("宇", "yu"),
    ("浩", "hao"), ("然", "ran"), ("子", "zi"), ("轩", "xuan"), ("欣", "xin"), ("怡", "yi"),
    ("梓", "zi"), ("涵", "han"), ("雨", "yu"), ("晨", "chen"), ("佳", "jia"), ("琪", "qi"),
    ("思", "si"), ("远", "yuan"), ("博", "bo"), ("文", "wen"), ("嘉", "jia"), ("豪", "hao"),
    ("俊", "jun"), ("凯", "kai"), ("婷", "ting"), ("雯", "wen"), ("倩", "qian"), ("颖", "ying"),
    ("晓", "xiao"), ("东", "dong"), ("海", "hai"), ("天", "tian"), ("泽", "ze"), ("航", "hang"),
    ("瑞", "rui"), ("琳", "lin"), ("诗", "shi"), ("悦", "yue"), ("慧", "hui"), ("志", "zhi"),
    ("强", "qiang"), ("建", "jian"), ("平", "ping"), ("春", "chun"), ("梅", "mei"), ("睿", "rui"),
    ("昊", "hao"), ("萌", "meng"), ("妍", "yan"), ("旭", "xu"), ("彤", "tong"), ("毅", "yi"),
)  # fmt: skip

_ENGLISH_GIVEN = (
    "James", "Emily", "Daniel", "Sophie", "Oliver", "Grace", "Lukas", "Anna", "Mateo", "Sofia",
    "Arjun", "Priya", "Rahul", "Ananya", "Wei Ling", "Jia Hao", "Kenji", "Yuki", "Min-jun", "Seo-yeon",
    "Thanh", "Linh", "Budi", "Siti", "Nurul", "Ahmad", "Fatima", "Omar", "Chidi", "Amara",
    "Ivan", "Elena", "Pierre", "Camille", "Marco", "Giulia", "Noah", "Hannah", "Ethan", "Chloe",
    "Kevin", "Vivian", "Jason", "Cindy",
)  # fmt: skip

_ENGLISH_SURNAMES = (
    "Smith", "Taylor", "Walker", "Clarke", "Evans", "Müller", "Schneider", "Fischer", "García", "Silva",
    "Sharma", "Patel", "Nair", "Tan", "Lim", "Ng", "Wong", "Chan", "Tanaka", "Sato",
    "Kim", "Park", "Nguyen", "Tran", "Santoso", "Wijaya", "Rahman", "Hassan", "Okafor", "Mensah",
    "Petrov", "Dubois", "Moreau", "Rossi", "Conti", "O'Brien", "Andersson", "Virtanen", "Janssen", "Zhang",
    "Liu", "Chen",
)  # fmt: skip
