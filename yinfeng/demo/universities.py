"""Where the park's candidates come from: universities, industry chains with their majors, employers."""

from __future__ import annotations

from typing import NamedTuple


class School(NamedTuple):
    """A school under the name that its own country uses. `weight` is how many candidates come from it."""

    name: str
    city: str
    weight: int


class Words(NamedTuple):
    """The same thing in Chinese and in English."""

    zh: str
    en: str

    def in_locale(self, locale: str) -> str:
        return self.en if locale == "en" else self.zh


class Chain(NamedTuple):
    """One of the park's industry chains: the majors that fit it and the positions it hires for."""

    name: Words
    weight: int
    majors: tuple[Words, ...]
    positions: tuple[Words, ...]


class DemoEmployer(NamedTuple):
    """An employer in the park and the chains that it hires for."""

    name: Words
    chains: tuple[str, ...]


CHINESE = (
    School("浙江大学", "杭州", 5),
    School("浙江工业大学", "杭州", 9),
    School("杭州电子科技大学", "杭州", 6),
    School("中国计量大学", "杭州", 5),
    School("浙江理工大学", "杭州", 6),
    School("衢州学院", "衢州", 10),
    School("宁波大学", "宁波", 5),
    School("浙江师范大学", "金华", 4),
    School("中南大学", "长沙", 9),
    School("湖南大学", "长沙", 4),
    School("昆明理工大学", "昆明", 7),
    School("江西理工大学", "赣州", 8),
    School("南昌大学", "南昌", 5),
    School("合肥工业大学", "合肥", 6),
    School("中国科学技术大学", "合肥", 2),
    School("武汉理工大学", "武汉", 7),
    School("华中科技大学", "武汉", 4),
    School("武汉大学", "武汉", 2),
    School("西安交通大学", "西安", 3),
    School("西安电子科技大学", "西安", 4),
    School("陕西科技大学", "西安", 4),
    School("东北大学", "沈阳", 5),
    School("哈尔滨工业大学", "哈尔滨", 3),
    School("北京科技大学", "北京", 4),
    School("北京化工大学", "北京", 4),
    School("天津科技大学", "天津", 4),
    School("华东理工大学", "上海", 5),
    School("上海大学", "上海", 3),
    School("东南大学", "南京", 3),
    School("南京工业大学", "南京", 6),
    School("中国药科大学", "南京", 4),
    School("南京林业大学", "南京", 4),
    School("江南大学", "无锡", 4),
    School("华南理工大学", "广州", 4),
    School("福州大学", "福州", 4),
    School("郑州大学", "郑州", 5),
    School("重庆大学", "重庆", 4),
    School("四川大学", "成都", 4),
    School("电子科技大学", "成都", 3),
    School("兰州理工大学", "兰州", 4),
    School("广西大学", "南宁", 3),
    School("齐鲁工业大学", "济南", 4),
)

FOREIGN = (
    School("National University of Singapore", "Singapore", 4),
    School("Nanyang Technological University", "Singapore", 4),
    School("Imperial College London", "London", 3),
    School("University of Manchester", "Manchester", 3),
    School("University of Sheffield", "Sheffield", 2),
    School("University of New South Wales", "Sydney", 3),
    School("Monash University", "Melbourne", 3),
    School("RWTH Aachen University", "Aachen", 2),
    School("Technical University of Munich", "Munich", 2),
    School("KU Leuven", "Leuven", 1),
    School("Delft University of Technology", "Delft", 2),
    School("Aalto University", "Espoo", 1),
    School("Kyoto University", "Kyoto", 1),
    School("Korea Advanced Institute of Science and Technology", "Daejeon", 1),
    School("University of British Columbia", "Vancouver", 1),
    School("Universiti Malaya", "Kuala Lumpur", 2),
    School("Chulalongkorn University", "Bangkok", 1),
    School("Bandung Institute of Technology", "Bandung", 2),
)

COLLEGES = (
    School("衢州职业技术学院", "衢州", 6),
    School("浙江工贸职业技术学院", "温州", 2),
    School("湖南化工职业技术学院", "株洲", 2),
    School("深圳职业技术大学", "深圳", 1),
    School("江西应用技术职业学院", "赣州", 2),
)

CHAINS = {
    "new-energy": Chain(
        Words("新能源", "New energy"),
        26,
        (
            Words("新能源科学与工程", "New Energy Science and Engineering"),
            Words("能源与动力工程", "Energy and Power Engineering"),
            Words("储能科学与工程", "Energy Storage Science and Engineering"),
            Words("应用化学", "Applied Chemistry"),
        ),
        (
            Words("电池工艺工程师", "Battery process engineer"),
            Words("储能系统工程师", "Energy storage systems engineer"),
        ),
    ),
    "new-materials": Chain(
        Words("新材料", "New materials"),
        23,
        (
            Words("材料科学与工程", "Materials Science and Engineering"),
            Words("冶金工程", "Metallurgical Engineering"),
            Words("高分子材料与工程", "Polymer Materials and Engineering"),
            Words("化学工程与工艺", "Chemical Engineering and Technology"),
        ),
        (
            Words("材料研发工程师", "Materials research engineer"),
            Words("冶金工程师", "Metallurgical engineer"),
        ),
    ),
    "smart-equipment": Chain(
        Words("智能装备", "Smart equipment"),
        19,
        (
            Words("机械工程", "Mechanical Engineering"),
            Words("自动化", "Automation"),
            Words("智能制造工程", "Intelligent Manufacturing Engineering"),
            Words("机器人工程", "Robotics Engineering"),
        ),
        (Words("自动化工程师", "Automation engineer"), Words("设备工程师", "Equipment engineer")),
    ),
    "integrated-circuits": Chain(
        Words("集成电路", "Integrated circuits"),
        13,
        (
            Words("微电子科学与工程", "Microelectronics Science and Engineering"),
            Words("集成电路设计与集成系统", "Integrated Circuit Design and Integrated Systems"),
            Words("电子科学与技术", "Electronic Science and Technology"),
            Words("电子封装技术", "Electronic Packaging Technology"),
        ),
        (
            Words("芯片工艺工程师", "Wafer process engineer"),
            Words("封装测试工程师", "Packaging and test engineer"),
        ),
    ),
    "life-health": Chain(
        Words("生命健康", "Life and health"),
        10,
        (
            Words("生物工程", "Bioengineering"),
            Words("制药工程", "Pharmaceutical Engineering"),
            Words("药学", "Pharmacy"),
            Words("生物医学工程", "Biomedical Engineering"),
        ),
        (Words("制剂研究员", "Formulation scientist"), Words("质量分析师", "Quality analyst")),
    ),
    "specialty-paper": Chain(
        Words("特种纸", "Specialty paper"),
        9,
        (
            Words("轻化工程", "Light Chemical Engineering"),
            Words("林产化工", "Chemical Processing of Forest Products"),
            Words("包装工程", "Packaging Engineering"),
            Words("环境工程", "Environmental Engineering"),
        ),
        (
            Words("造纸工艺工程师", "Papermaking process engineer"),
            Words("环保工程师", "Environmental engineer"),
        ),
    ),
}

# Only the first hires for every chain: a battery maker needs chemists, machines, sensors and clean water.
EMPLOYERS = {
    "huayou": DemoEmployer(Words("华友", "Huayou"), tuple(CHAINS)),
    "jinxin": DemoEmployer(Words("锦芯半导体", "Jinxin Semiconductor"), ("integrated-circuits", "smart-equipment")),
    "kangyue": DemoEmployer(Words("康越生物", "Kangyue Biotech"), ("life-health", "new-materials")),
    "yunzhi": DemoEmployer(Words("云栀特纸", "Yunzhi Paper"), ("specialty-paper", "smart-equipment", "new-energy")),
}
