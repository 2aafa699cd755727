"""The sample's world: shops, suppliers, products, people. All of it is invented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from domain.kernel import Actor, ActorKind, Platform, Role


@dataclass(frozen=True, slots=True)
class Shop:
    """prefix: of its platform's after-sale numbers. categories: what it sells."""

    platform: Platform
    name: str
    prefix: str
    categories: tuple[str, ...]
    agents: tuple[str, ...]
    supervisor: str


SHOPS: Final = (
    Shop(
        Platform.DOUYIN,
        "云织里女装",
        "AS",
        ("女装", "鞋靴"),
        ("小雨", "阿宁", "晚晴"),
        "沈主管",
    ),
    Shop(
        Platform.DOUYIN,
        "小满家电",
        "AS",
        ("小家电", "家居"),
        ("豆包仔", "青禾", "木木"),
        "陆主管",
    ),
    Shop(
        Platform.KUAISHOU,
        "岚野户外",
        "KS",
        ("户外", "鞋靴"),
        ("山山", "阿岭"),
        "顾主管",
    ),
    Shop(
        Platform.KUAISHOU,
        "沃里农场",
        "KS",
        ("食品", "家居"),
        ("麦子", "小禾"),
        "顾主管",
    ),
    Shop(
        Platform.TAOBAO,
        "声澜数码",
        "TB",
        ("数码", "小家电"),
        ("叮当", "可可", "一帆"),
        "温主管",
    ),
)


@dataclass(frozen=True, slots=True)
class Supplier:
    """ppm: the contract's level of defects. weight: how often its goods are bought."""

    name: str
    appraisal_hours: int | None
    ppm: int | None
    ships: bool = False


BAD: Final = "优耐恩电器厂"
SMALL: Final = "拾陶小坊"
UNUSED: Final = "新程里箱包"

SUPPLIERS: Final = (
    Supplier("织云里服饰", 72, 20_000),
    Supplier("步迹远鞋业", 72, 25_000),
    Supplier(BAD, 48, 20_000),
    Supplier("暖屿家电", 48, 15_000),
    Supplier("声澜电子", 48, 12_000),
    Supplier("巧居坊日用", None, 15_000),
    Supplier("岚野行装备", 96, None, ships=True),
    Supplier("沃里合作社", 24, 30_000),
    Supplier(SMALL, None, None),
    Supplier(UNUSED, 72, 20_000),
)


@dataclass(frozen=True, slots=True)
class Product:
    """price: of one unit, in minor units (分). weight: how often it is bought beside others of
    its category. supplier None: the shop's records do not say whose it is."""

    code: str
    name: str
    category: str
    supplier: str | None
    price: int
    weight: int = 10
    warranty_days: int | None = None


PRODUCTS: Final = (
    Product("YZ-1001", "雪纺碎花连衣裙", "女装", "织云里服饰", 15900),
    Product("YZ-1002", "宽松针织开衫", "女装", "织云里服饰", 12900),
    Product("YZ-1003", "高腰直筒牛仔裤", "女装", "织云里服饰", 13900),
    Product("YZ-1004", "纯棉基础款T恤两件装", "女装", "织云里服饰", 6900, 14),
    Product("YZ-1005", "冰丝防晒袖套", "女装", "织云里服饰", 1990, 6),
    Product("BJ-2001", "厚底休闲小白鞋", "鞋靴", "步迹远鞋业", 16900),
    Product("BJ-2002", "防滑户外徒步鞋", "鞋靴", "步迹远鞋业", 25900),
    Product("BJ-2003", "居家防滑拖鞋", "鞋靴", "步迹远鞋业", 2990, 12),
    Product("YN-3001", "1.5L电热水壶", "小家电", BAD, 8900, 20, 365),
    Product("YN-3002", "家用手持挂烫机", "小家电", BAD, 12900, 14, 365),
    Product("YN-3003", "桌面暖风机", "小家电", BAD, 9900, 12, 365),
    Product("NY-3101", "迷你绞肉机", "小家电", "暖屿家电", 11900, 10, 365),
    Product("NY-3102", "静音加湿器", "小家电", "暖屿家电", 13900, 10, 365),
    Product("SL-4001", "真无线蓝牙耳机", "数码", "声澜电子", 19900, 10, 365),
    Product("SL-4002", "20000毫安移动电源", "数码", "声澜电子", 12900, 10, 365),
    Product("SL-4003", "编织快充数据线", "数码", "声澜电子", 2490, 14, 180),
    Product("SL-4004", "笔记本散热支架", "数码", "声澜电子", 7900, 8, 180),
    Product("QJ-5001", "抽屉收纳盒四件套", "家居", "巧居坊日用", 3990, 12),
    Product("QJ-5002", "加厚全棉四件套", "家居", "巧居坊日用", 26900, 8),
    Product("QJ-5003", "玻璃密封罐三只装", "家居", "巧居坊日用", 4590, 10),
    Product("QJ-5004", "香薰蜡烛礼盒", "家居", None, 6900, 4),
    Product("ST-5101", "手作粗陶马克杯", "家居", SMALL, 8800, 0),
    Product("LY-6001", "双人速开帐篷", "户外", "岚野行装备", 32900, 8),
    Product("LY-6002", "折叠月亮椅", "户外", "岚野行装备", 12900),
    Product("LY-6003", "轻量登山背包40L", "户外", "岚野行装备", 21900, 9),
    Product("WL-7001", "高山红富士苹果5斤", "食品", "沃里合作社", 3990, 14),
    Product("WL-7002", "农家土蜂蜜500g", "食品", "沃里合作社", 5900, 10),
    Product("WL-7003", "手剥核桃仁两罐装", "食品", "沃里合作社", 4980, 10),
)

CARRIERS: Final = (("速燕快递", "SY"), ("云途速运", "YT"), ("稳达物流", "WD"))

DEPARTMENTS: Final = ("仓库", "财务", "质检", "采购")

BODY: Final = "衡准检测中心"
"""Appraises independently."""

NICKNAMES: Final = (
    "爱吃橘子的猫",
    "北边有风",
    "一只小鲸鱼",
    "晚睡早起的阿木",
    "糖醋里脊不加糖",
    "山里的信号",
    "三月不下雨",
    "番茄炒西红柿",
    "慢慢来比较快",
    "追风的蒲公英",
    "芝麻汤圆",
    "云上种花",
    "路口的便利店",
    "今天也要加油鸭",
    "草莓味的夏天",
    "不会游泳的鱼",
    "隔壁老树",
    "月亮打烊了",
    "半糖去冰",
    "向日葵不营业",
)
STREETS: Final = ("望湖路", "青石巷", "云杉街", "海棠里", "听雨路", "白鹭洲道")
TOWNS: Final = ("云汀市星河区", "澜川市北屿区", "栖霞镇东坪村", "鹿鸣市春山区", "澄湾市安平区")


def desk(agent: str) -> Actor:
    """The customer-service desk's system, which tells what that agent did there."""
    return Actor(kind=ActorKind.SYSTEM, id=f"客服台·{agent}", role=Role.AGENT)


def person(name: str, role: Role = Role.AGENT) -> Actor:
    return Actor(kind=ActorKind.PERSON, id=name, role=role)


def _system(name: str, role: Role) -> Actor:
    return Actor(kind=ActorKind.SYSTEM, id=name, role=role)


ERP: Final = _system("订单系统", Role.SERVICE)
STORE: Final = _system("仓储系统", Role.WAREHOUSE)
PAYMENT: Final = _system("收付系统", Role.SERVICE)
PORTAL: Final = _system("供应商门户", Role.SUPPLIER)
LAB: Final = _system(BODY, Role.SERVICE)
TIMER: Final = _system("定时任务", Role.SERVICE)


def of_platform(platform: Platform, role: Role = Role.PLATFORM) -> Actor:
    """The platform's back office; with the role BUYER, what a buyer did in its app."""
    return _system(platform.value, role)


def carrier(name: str) -> Actor:
    return _system(name, Role.CARRIER)
