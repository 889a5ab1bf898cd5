"""Chinese (Mandarin, simplified): no inflection, no spaces; 把 before what is given away."""

from __future__ import annotations

from waystation.pocket.grammar import Grammar, Row, Words, pairs, phrase, table

NAMES = pairs("""
maria=玛丽亚 sara=萨拉 elena=埃琳娜 nadia=娜迪亚 olivia=奥利维娅 lucia=露西亚
omar=奥马尔 daniel=丹尼尔 viktor=维克托 martin=马丁 karim=卡里姆 thomas=托马斯
laura=劳拉 diana=戴安娜 clara=克拉拉 emma=艾玛 robert=罗伯特 samir=萨米尔 oscar=奥斯卡 kevin=凯文
anna=安娜 sofia=索菲亚 leila=莱拉 nina=尼娜 julia=朱莉娅
david=大卫 adam=亚当 marko=马尔科 hassan=哈桑 peter=彼得
lopez=洛佩斯 rossi=罗西 novak=诺瓦克 weber=韦伯 tanaka=田中 santos=桑托斯 jensen=延森
nasser=纳赛尔 silva=席尔瓦 keller=凯勒 garcia=加西亚 moreno=莫雷诺 schmidt=施密特 haddad=哈达德
conti=孔蒂 larsen=拉森 suzuki=铃木
""")
THINGS = {
    thing: {"acc": noun}
    for thing, noun in pairs("""
    bread=面包 fish=鱼 rice=大米 apple=苹果 cheese=奶酪 soup=汤 egg=鸡蛋 orange=橙子 honey=蜂蜜
    cake=蛋糕
    guitar=吉他 piano=钢琴 violin=小提琴 drum=鼓 flute=长笛 trumpet=小号 harp=竖琴
    accordion=手风琴 saxophone=萨克斯管 cello=大提琴
    shirt=衬衫 coat=大衣 hat=帽子 dress=连衣裙 shoe=鞋子 belt=腰带 scarf=围巾 skirt=短裙
    sweater=毛衣 suit=西装
    book=书 newspaper=报纸 letter=信 magazine=杂志 dictionary=词典 novel=小说 diary=日记
    textbook=课本 encyclopedia=百科全书 postcard=明信片
    computer=电脑 phone=手机 camera=相机 printer=打印机 radio=收音机 television=电视
    calculator=计算器 scanner=扫描仪 keyboard=键盘 projector=投影仪
    table=桌子 chair=椅子 bed=床 lamp=台灯 mirror=镜子 carpet=地毯 cupboard=柜子
    sofa=沙发 pillow=枕头 blanket=毯子
    """).items()
}
ADJECTIVES = table("""
adjective  form
new        新
old        旧
big        大
good       好
cheap      便宜
small      小
beautiful  漂亮
expensive  昂贵
white      白色/NOUN
""")
VERBS = table("""
verb     v
sell     卖给+了/AUX
send     寄给+了/AUX
lend     借给+了/AUX
give     送给+了/AUX
buy      买到+了/AUX
receive  收到+了/AUX
borrow   借到+了/AUX
get      得到+了/AUX
find     找到+了/AUX
choose   选择+了/AUX
lose     弄丢+了/AUX
see      看见+了/AUX
""")
PEOPLE = table("""
person       nom
man          那/DET+个+男人
woman        那/DET+个+女人
grandfather  爷爷
grandmother  奶奶
king         国王
queen        王后
boy          那/DET+个+男孩
girl         那/DET+个+女孩
""")
_CITIES = pairs("""
paris=巴黎 rome=罗马 berlin=柏林 moscow=莫斯科 cairo=开罗 tokyo=东京 capetown=开普敦
hongkong=香港 london=伦敦 madrid=马德里 athens=雅典 vienna=维也纳 beijing=北京
istanbul=伊斯坦布尔 newyork=纽约 lisbon=里斯本 delhi=德里 buenosaires=布宜诺斯艾利斯
""")
_SPOTS = pairs("""
market=市场 school=学校 hotel=酒店 office=办公室 park=公园 restaurant=餐厅 library=图书馆
museum=博物馆 station=火车站
""")
PLACES = {city: f"在/ADP+{name}/PROPN" for city, name in _CITIES.items()} | {
    spot: f"在/ADP+{noun}" for spot, noun in _SPOTS.items()
}
TIMES = pairs("""
mon=星期一 tue=星期二 wed=星期三 thu=星期四 fri=星期五 sat=星期六 sun=星期日
jan=一月 feb=二月 mar=三月 apr=四月 may=五月 jun=六月 jul=七月 aug=八月 sep=九月 oct=十月
nov=十一月 dec=十二月 yesterday=昨天
""")


def noun_phrase(thing: Row, adjective: Row | None, case: str) -> Words:
    """Adjective with 的, noun."""
    described = (*phrase(adjective["form"], "ADJ"), ("的", "PART")) if adjective else ()
    return (*described, *phrase(thing["acc"]))


_GIVE = "把/ADP T V O"
_TAKE = "从/ADP O 那里/PRON V"

GRAMMAR = Grammar(
    code="zh",
    name="Chinese",
    family="Sino-Tibetan",
    script="Han",
    names=NAMES,
    things=THINGS,
    adjectives=ADJECTIVES,
    verbs=VERBS,
    people=PEOPLE,
    places=PLACES,
    times=TIMES,
    year="{}/NUM+年",
    templates={
        "plain.to": f"A W P {_GIVE}",
        "plain.from": f"A W P {_TAKE} T",
        "plain.do": "A W P V T",
        "front.to": f"F ，/PUNCT A W P {_GIVE}",
        "front.from": f"F ，/PUNCT A W P {_TAKE} T",
        "front.do": "F ，/PUNCT A W P V T",
        "who.to": f"谁/PRON {_GIVE} ？/PUNCT",
        "who.from": f"谁/PRON {_TAKE} T ？/PUNCT",
        "who.do": "谁/PRON V T ？/PUNCT",
        "what.to": "A 把/ADP 什么/PRON V O ？/PUNCT",
        "what.from": f"A {_TAKE} 什么/PRON ？/PUNCT",
        "what.do": "A V 什么/PRON ？/PUNCT",
        "at.to": f"A Q {_GIVE} ？/PUNCT",
        "at.from": f"A Q {_TAKE} T ？/PUNCT",
        "at.do": "A Q V T ？/PUNCT",
        "where": "在/ADP+哪里/PRON",
        "when": "什么/DET+时候/NOUN",
        "now": "T 现在/NOUN 在/VERB 谁/PRON 那里/PRON ？/PUNCT",
        "before": "T 以前/NOUN 在/VERB 谁/PRON 那里/PRON ？/PUNCT",
    },
    noun_phrase=noun_phrase,
    name_joint="·",
    link="，/PUNCT",
    stop="。/PUNCT",
    spaced=False,
)
