"""Japanese: verb last, particles, no spaces; a clause that goes on ends in a continuative."""

from __future__ import annotations

from waystation.pocket.grammar import Grammar, Row, Words, pairs, phrase, table

NAMES = pairs("""
maria=マリア sara=サラ elena=エレナ nadia=ナディア olivia=オリビア lucia=ルシア
omar=オマール daniel=ダニエル viktor=ビクター martin=マーティン karim=カリム thomas=トーマス
laura=ローラ diana=ダイアナ clara=クララ emma=エマ robert=ロバート samir=サミール oscar=オスカー
kevin=ケビン anna=アンナ sofia=ソフィア leila=レイラ nina=ニーナ julia=ジュリア
david=デイビッド adam=アダム marko=マルコ hassan=ハッサン peter=ピーター
lopez=ロペス rossi=ロッシ novak=ノバク weber=ウェーバー tanaka=タナカ santos=サントス
jensen=イェンセン nasser=ナセル silva=シルバ keller=ケラー garcia=ガルシア moreno=モレノ
schmidt=シュミット haddad=ハダッド conti=コンティ larsen=ラーセン suzuki=スズキ
""")
THINGS = {
    thing: {"acc": noun}
    for thing, noun in pairs("""
    bread=パン fish=魚 rice=米 apple=りんご cheese=チーズ soup=スープ egg=卵 orange=オレンジ
    honey=蜂蜜 cake=ケーキ
    guitar=ギター piano=ピアノ violin=バイオリン drum=太鼓 flute=フルート trumpet=トランペット
    harp=ハープ accordion=アコーディオン saxophone=サックス cello=チェロ
    shirt=シャツ coat=コート hat=帽子 dress=ドレス shoe=靴 belt=ベルト scarf=マフラー
    skirt=スカート sweater=セーター suit=スーツ
    book=本 newspaper=新聞 letter=手紙 magazine=雑誌 dictionary=辞書 novel=小説 diary=日記
    textbook=教科書 encyclopedia=百科事典 postcard=はがき
    computer=コンピューター phone=電話 camera=カメラ printer=プリンター radio=ラジオ
    television=テレビ calculator=電卓 scanner=スキャナー keyboard=キーボード
    projector=プロジェクター
    table=テーブル chair=椅子 bed=ベッド lamp=ランプ mirror=鏡 carpet=カーペット cupboard=戸棚
    sofa=ソファー pillow=枕 blanket=毛布
    """).items()
}
ADJECTIVES = table("""
adjective  form
new        新しい
old        古い
big        大きい
good       良い
cheap      安い
small      小さい
beautiful  美しい
expensive  高価+な/AUX
white      白い
""")
VERBS = table("""
verb     v                cont      k
sell     売っ+た/AUX      売り      に
send     送っ+た/AUX      送り      に
lend     貸し+た/AUX      貸し      に
give     あげ+た/AUX      あげ      に
buy      買っ+た/AUX      買い      から
receive  受け取っ+た/AUX  受け取り  から
borrow   借り+た/AUX      借り      から
get      もらっ+た/AUX    もらい    から
find     見つけ+た/AUX    見つけ    -
choose   選ん+だ/AUX      選び      -
lose     なくし+た/AUX    なくし    -
see      見+た/AUX        見+て/SCONJ  -
""")
PEOPLE = table("""
person       nom
man          その/DET+男性
woman        その/DET+女性
grandfather  おじいさん
grandmother  おばあさん
king         王様
queen        女王
boy          その/DET+少年
girl         その/DET+少女
""")
_CITIES = pairs("""
paris=パリ rome=ローマ berlin=ベルリン moscow=モスクワ cairo=カイロ tokyo=東京
capetown=ケープタウン hongkong=香港 london=ロンドン madrid=マドリード athens=アテネ
vienna=ウィーン beijing=北京 istanbul=イスタンブール newyork=ニューヨーク lisbon=リスボン
delhi=デリー buenosaires=ブエノスアイレス
""")
_SPOTS = pairs("""
market=市場 school=学校 hotel=ホテル office=オフィス park=公園 restaurant=レストラン
library=図書館 museum=博物館 station=駅
""")
PLACES = {city: f"{name}/PROPN+で/ADP" for city, name in _CITIES.items()} | {
    spot: f"{noun}+で/ADP" for spot, noun in _SPOTS.items()
}
_TIMES = pairs("""
mon=月曜日 tue=火曜日 wed=水曜日 thu=木曜日 fri=金曜日 sat=土曜日 sun=日曜日
jan=一月 feb=二月 mar=三月 apr=四月 may=五月 jun=六月 jul=七月 aug=八月 sep=九月 oct=十月
nov=十一月 dec=十二月
""")
TIMES = {time: f"{word}+に/ADP" for time, word in _TIMES.items()} | {"yesterday": "昨日"}


def noun_phrase(thing: Row, adjective: Row | None, case: str) -> Words:
    """Adjective, noun."""
    return (*(phrase(adjective["form"], "ADJ") if adjective else ()), *phrase(thing["acc"]))


_WHO = "の/SCONJ は/ADP 誰/PRON です/AUX か/PART 。/PUNCT"

GRAMMAR = Grammar(
    code="ja",
    name="Japanese",
    family="Japonic",
    script="Japanese",
    names=NAMES,
    things=THINGS,
    adjectives=ADJECTIVES,
    verbs=VERBS,
    people=PEOPLE,
    places=PLACES,
    times=TIMES,
    year="{}/NUM+年+に/ADP",
    templates={
        "plain": "A は/ADP W P O K T を/ADP V",
        "front": "F 、/PUNCT A は/ADP W P O K T を/ADP V",
        "who": f"O K T を/ADP V {_WHO}",
        "what": "A が/ADP O K V の/SCONJ は/ADP 何/PRON です/AUX か/PART 。/PUNCT",
        "at": "A が/ADP O K T を/ADP V の/SCONJ は/ADP Q です/AUX か/PART 。/PUNCT",
        "where": "どこ/PRON",
        "when": "いつ/PRON",
        "now": f"今/NOUN T を/ADP 持っ/VERB て/SCONJ いる/AUX {_WHO}",
        "before": f"以前/NOUN T を/ADP 持っ/VERB て/SCONJ い/AUX た/AUX {_WHO}",
    },
    noun_phrase=noun_phrase,
    name_joint="・",
    linked_form="cont",
    link="、/PUNCT",
    stop="。/PUNCT",
    spaced=False,
)
