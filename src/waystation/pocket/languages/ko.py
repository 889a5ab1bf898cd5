"""Korean: verb last, particles on the word, chosen by whether it ends in a consonant.

A word is what stands between spaces, particle included, as in UD Korean-GSD; a day or month with
its particle keeps the tag of the noun. Answers leave the particle out.
"""

from __future__ import annotations

from typing import Final

from waystation.pocket.grammar import Grammar, Row, Token, Words, pairs, phrase, table
from waystation.pocket.world import Person

NAMES = pairs("""
maria=마리아 sara=사라 elena=엘레나 nadia=나디아 olivia=올리비아 lucia=루시아
omar=오마르 daniel=다니엘 viktor=빅토르 martin=마틴 karim=카림 thomas=토머스
laura=로라 diana=다이애나 clara=클라라 emma=엠마 robert=로버트 samir=사미르 oscar=오스카르
kevin=케빈 anna=안나 sofia=소피아 leila=레일라 nina=니나 julia=줄리아
david=데이비드 adam=애덤 marko=마르코 hassan=하산 peter=피터
lopez=로페스 rossi=로시 novak=노바크 weber=베버 tanaka=다나카 santos=산투스 jensen=옌센
nasser=나세르 silva=실바 keller=켈러 garcia=가르시아 moreno=모레노 schmidt=슈미트 haddad=하다드
conti=콘티 larsen=라르센 suzuki=스즈키
""")

# After a consonant, after a vowel.
_PARTICLES: Final = {"top": ("은", "는"), "sub": ("이", "가"), "acc": ("을", "를")}
_PLAIN: Final = {"nom": "", "dat": "에게", "abl": "에게서"}


def particle(word: str, case: str) -> str:
    """The particle of a case after a word: Hangul syllables come in rows of 28, vowel first."""
    if case in _PLAIN:
        return _PLAIN[case]
    return _PARTICLES[case][0 if (ord(word[-1]) - ord("가")) % 28 else 1]


def _forms(noun: str, *cases: str) -> dict[str, str]:
    return {case: noun + particle(noun, case) for case in cases}


THINGS = {
    thing: _forms(noun, "nom", "acc")
    for thing, noun in pairs("""
    bread=빵 fish=생선 rice=쌀 apple=사과 cheese=치즈 soup=수프 egg=달걀 orange=오렌지 honey=꿀
    cake=케이크
    guitar=기타 piano=피아노 violin=바이올린 drum=북 flute=플루트 trumpet=트럼펫 harp=하프
    accordion=아코디언 saxophone=색소폰 cello=첼로
    shirt=셔츠 coat=코트 hat=모자 dress=드레스 shoe=신발 belt=벨트 scarf=목도리 skirt=치마
    sweater=스웨터 suit=양복
    book=책 newspaper=신문 letter=편지 magazine=잡지 dictionary=사전 novel=소설책 diary=일기장
    textbook=교과서 encyclopedia=백과사전 postcard=엽서
    computer=컴퓨터 phone=전화기 camera=카메라 printer=프린터 radio=라디오 television=텔레비전
    calculator=계산기 scanner=스캐너 keyboard=키보드 projector=프로젝터
    table=탁자 chair=의자 bed=침대 lamp=램프 mirror=거울 carpet=카펫 cupboard=찬장
    sofa=소파 pillow=베개 blanket=담요
    """).items()
}
ADJECTIVES = table("""
adjective  form
new        새/DET
old        오래된
big        큰
good       좋은
cheap      값싼
small      작은
beautiful  아름다운
expensive  비싼
white      하얀
""")
VERBS = table("""
verb     v           cont        q
sell     팔았다       팔았고       팔았는가
send     보냈다       보냈고       보냈는가
lend     빌려주었다    빌려주었고    빌려주었는가
give     주었다       주었고       주었는가
buy      샀다        샀고        샀는가
receive  받았다       받았고       받았는가
borrow   빌렸다       빌렸고       빌렸는가
get      얻었다       얻었고       얻었는가
find     발견했다      발견했고      발견했는가
choose   골랐다       골랐고       골랐는가
lose     잃어버렸다    잃어버렸고    잃어버렸는가
see      보았다       보았고       보았는가
""")
PEOPLE = {
    person: _forms(noun, "nom", "top", "sub", "dat", "abl")
    for person, noun in pairs("""
    man=그/DET+남자 woman=그/DET+여자 grandfather=할아버지 grandmother=할머니 king=왕 queen=여왕
    boy=그/DET+소년 girl=그/DET+소녀
    """).items()
}
_CITIES = pairs("""
paris=파리 rome=로마 berlin=베를린 moscow=모스크바 cairo=카이로 tokyo=도쿄 capetown=케이프타운
hongkong=홍콩 london=런던 madrid=마드리드 athens=아테네 vienna=빈 beijing=베이징
istanbul=이스탄불 newyork=뉴욕 lisbon=리스본 delhi=델리 buenosaires=부에노스아이레스
""")
_SPOTS = pairs("""
market=시장 school=학교 hotel=호텔 office=사무실 park=공원 restaurant=식당 library=도서관
museum=박물관 station=역
""")
PLACES = {city: f"{name}에서/PROPN" for city, name in _CITIES.items()} | {
    spot: f"{noun}에서" for spot, noun in _SPOTS.items()
}
_DAYS = pairs("mon=월요일 tue=화요일 wed=수요일 thu=목요일 fri=금요일 sat=토요일 sun=일요일")
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"
TIMES = (
    {day: f"{word}에" for day, word in _DAYS.items()}
    | {month: f"{number}월에" for number, month in enumerate(_MONTHS.split(), start=1)}
    | {"yesterday": "어제/ADV"}
)


def noun_phrase(thing: Row, adjective: Row | None, case: str) -> Words:
    """Adjective, noun with its particle."""
    return (*(phrase(adjective["form"], "ADJ") if adjective else ()), *phrase(thing[case]))


def inflect(words: tuple[str, ...], person: Person, case: str) -> tuple[str, ...]:
    """The last word of a name takes the particle."""
    return (*words[:-1], words[-1] + particle(words[-1], case))


def ending(token: Token) -> int:
    """Letters of the particle on a word that answers a question."""
    if token.role == "time":
        return 1 if token.form.endswith("에") else 0
    return {"agent": 1, "thing": 1, "place": 2}[token.role]


GRAMMAR = Grammar(
    code="ko",
    name="Korean",
    family="Koreanic",
    script="Hangul",
    names=NAMES,
    things=THINGS,
    adjectives=ADJECTIVES,
    verbs=VERBS,
    people=PEOPLE,
    places=PLACES,
    times=TIMES,
    year="{}년에",
    templates={
        "plain": "A.top W P O T V",
        "front": "F A.top W P O T V",
        "who": "누가/PRON O T V.q ?/PUNCT",
        "what": "A.top O 무엇을/PRON V.q ?/PUNCT",
        "at": "A.top Q O T V.q ?/PUNCT",
        "where": "어디에서/PRON",
        "when": "언제",
        "now": "지금/ADV 누가/PRON T 가지고/VERB 있는가/AUX ?/PUNCT",
        "before": "이전에/NOUN 누가/PRON T 가지고/VERB 있었는가/AUX ?/PUNCT",
    },
    noun_phrase=noun_phrase,
    inflect=inflect,
    ending=ending,
    linked_form="cont",
    link=",/PUNCT",
)
