"""Vietnamese: no inflection; a classifier before the noun makes it definite, the attribute follows.

A word may have spaces inside (bánh mì), as in UD Vietnamese-VTB; names are split at spaces. Lending
is a verb in two parts, around the other person: cho Omar mượn.
"""

from __future__ import annotations

from waystation.pocket.grammar import Grammar, Row, Words, pairs, phrase, table
from waystation.pocket.languages.en import CITIES, NAMES, proper

THINGS = {
    thing: {"acc": noun}
    for thing, noun in pairs("""
    bread=ổ+bánh_mì fish=con+cá rice=bao+gạo apple=quả+táo cheese=miếng+phô_mai soup=bát+súp
    egg=quả+trứng orange=quả+cam honey=lọ+mật_ong cake=chiếc+bánh_ngọt
    guitar=cây+đàn_ghi-ta piano=cây+đàn_piano violin=cây+vĩ_cầm drum=chiếc+trống flute=cây+sáo
    trumpet=cây+kèn_trumpet harp=cây+đàn_hạc accordion=chiếc+phong_cầm
    saxophone=cây+kèn_saxophone cello=cây+đàn_cello
    shirt=chiếc+áo_sơ_mi coat=chiếc+áo_khoác hat=chiếc+mũ dress=chiếc+đầm shoe=chiếc+giày
    belt=chiếc+thắt_lưng scarf=chiếc+khăn_quàng skirt=chiếc+chân_váy sweater=chiếc+áo_len
    suit=bộ+com-lê
    book=cuốn+sách newspaper=tờ+báo letter=bức+thư magazine=cuốn+tạp_chí dictionary=cuốn+từ_điển
    novel=cuốn+tiểu_thuyết diary=cuốn+nhật_ký textbook=cuốn+sách_giáo_khoa
    encyclopedia=bộ+bách_khoa_toàn_thư postcard=tấm+bưu_thiếp
    computer=chiếc+máy_tính phone=chiếc+điện_thoại camera=chiếc+máy_ảnh printer=chiếc+máy_in
    radio=chiếc+radio television=chiếc+ti_vi calculator=chiếc+máy_tính_bỏ_túi
    scanner=chiếc+máy_quét keyboard=chiếc+bàn_phím projector=chiếc+máy_chiếu
    table=chiếc+bàn chair=chiếc+ghế bed=chiếc+giường lamp=chiếc+đèn mirror=chiếc+gương
    carpet=tấm+thảm cupboard=chiếc+tủ sofa=chiếc+ghế_sofa pillow=chiếc+gối blanket=chiếc+chăn
    """).items()
}
ADJECTIVES = table("""
adjective  form
new        mới
old        cũ
big        lớn
good       tốt
cheap      rẻ
small      nhỏ
beautiful  đẹp
expensive  đắt
white      trắng
""")
VERBS = table("""
verb     v          rest  k
sell     bán        -     cho
send     gửi        -     cho
lend     cho        mượn  -
give     đưa        -     cho
buy      mua        -     từ
receive  nhận       -     từ
borrow   mượn       -     từ
get      nhận_được  -     từ
find     tìm_thấy   -     -
choose   chọn       -     -
lose     làm_mất    -     -
see      nhìn_thấy  -     -
""")
PEOPLE = table("""
person       nom
man          người+đàn_ông+đó/DET
woman        người+phụ_nữ+đó/DET
grandfather  ông_nội
grandmother  bà_nội
king         nhà_vua
queen        nữ_hoàng
boy          cậu_bé+đó/DET
girl         cô_bé+đó/DET
""")
_CITIES = CITIES | {
    "rome": "Roma",
    "moscow": "Moskva",
    "hongkong": "Hồng+Kông",
    "vienna": "Viên",
    "beijing": "Bắc+Kinh",
}
PLACES = {city: f"ở/ADP+{proper(name)}" for city, name in _CITIES.items()} | pairs("""
market=ở/ADP+chợ school=ở/ADP+trường_học hotel=ở/ADP+khách_sạn office=ở/ADP+văn_phòng
park=ở/ADP+công_viên restaurant=ở/ADP+nhà_hàng library=ở/ADP+thư_viện museum=ở/ADP+bảo_tàng
station=ở/ADP+nhà_ga
""")
_DAYS = pairs("""
mon=thứ+Hai/NUM tue=thứ+Ba/NUM wed=thứ+Tư/NUM thu=thứ+Năm/NUM fri=thứ+Sáu/NUM sat=thứ+Bảy/NUM
sun=Chủ_nhật
""")
_MONTHS = pairs("""
jan=Một feb=Hai mar=Ba apr=Tư may=Năm jun=Sáu jul=Bảy aug=Tám sep=Chín oct=Mười nov=Mười_Một
dec=Mười_Hai
""")
TIMES = (
    {day: f"vào/ADP+{word}" for day, word in _DAYS.items()}
    | {month: f"vào/ADP+tháng+{word}/NUM" for month, word in _MONTHS.items()}
    | {"yesterday": "hôm_qua"}
)


def noun_phrase(thing: Row, adjective: Row | None, case: str) -> Words:
    """Classifier, noun, attribute."""
    return (*phrase(thing["acc"]), *(phrase(adjective["form"], "ADJ") if adjective else ()))


GRAMMAR = Grammar(
    code="vi",
    name="Vietnamese",
    family="Austroasiatic",
    script="Latin",
    names=NAMES | {"viktor": "Viktor"},
    things=THINGS,
    adjectives=ADJECTIVES,
    verbs=VERBS,
    people=PEOPLE,
    places=PLACES,
    times=TIMES,
    year="vào/ADP+năm+{}/NUM",
    templates={
        "plain": "A đã/ADV V T K O P W",
        "plain.to": "A đã/ADV V K O V.rest T P W",
        "front": "F ,/PUNCT A đã/ADV V T K O P W",
        "front.to": "F ,/PUNCT A đã/ADV V K O V.rest T P W",
        "who": "ai/PRON đã/ADV V T K O ?/PUNCT",
        "who.to": "ai/PRON đã/ADV V K O V.rest T ?/PUNCT",
        "what": "A đã/ADV V cái/NOUN gì/PRON K O ?/PUNCT",
        "what.to": "A đã/ADV V K O V.rest cái/NOUN gì/PRON ?/PUNCT",
        "at": "A đã/ADV V T K O Q ?/PUNCT",
        "at.to": "A đã/ADV V K O V.rest T Q ?/PUNCT",
        "where": "ở/ADP+đâu/PRON",
        "when": "khi/NOUN+nào/DET",
        "now": "bây_giờ/NOUN ai/PRON đang/ADV giữ/VERB T ?/PUNCT",
        "before": "trước_đây/NOUN ai/PRON giữ/VERB T ?/PUNCT",
    },
    noun_phrase=noun_phrase,
    link=",/PUNCT+và",
)
