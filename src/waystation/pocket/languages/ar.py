"""Arabic (Modern Standard): the verb first, in its subject's gender; definite noun phrases."""

from __future__ import annotations

from waystation.pocket.grammar import Grammar, Row, Words, pairs, phrase, table

NAMES = pairs("""
maria=ماريا sara=سارة elena=إيلينا nadia=نادية olivia=أوليفيا lucia=لوسيا
omar=عمر daniel=دانيال viktor=فيكتور martin=مارتن karim=كريم thomas=توماس
laura=لورا diana=ديانا clara=كلارا emma=إيما robert=روبرت samir=سمير oscar=أوسكار kevin=كيفن
anna=آنا sofia=صوفيا leila=ليلى nina=نينا julia=جوليا
david=ديفيد adam=آدم marko=ماركو hassan=حسن peter=بيتر
lopez=لوبيز rossi=روسي novak=نوفاك weber=فيبر tanaka=تاناكا santos=سانتوس jensen=ينسن
nasser=ناصر silva=سيلفا keller=كيلر garcia=غارسيا moreno=مورينو schmidt=شميت haddad=حداد
conti=كونتي larsen=لارسن suzuki=سوزوكي
""")
THINGS = table("""
thing         gender  noun
bread         m  الخبز
fish          f  السمكة
rice          m  الأرز
apple         f  التفاحة
cheese        m  الجبن
soup          m  الحساء
egg           f  البيضة
orange        f  البرتقالة
honey         m  العسل
cake          f  الكعكة
guitar        m  الغيتار
piano         m  البيانو
violin        m  الكمان
drum          m  الطبل
flute         m  الناي
trumpet       m  البوق
harp          f  القيثارة
accordion     m  الأكورديون
saxophone     m  الساكسفون
cello         m  التشيلو
shirt         m  القميص
coat          m  المعطف
hat           f  القبعة
dress         m  الفستان
shoe          m  الحذاء
belt          m  الحزام
scarf         m  الوشاح
skirt         f  التنورة
sweater       f  الكنزة
suit          f  البدلة
book          m  الكتاب
newspaper     f  الجريدة
letter        f  الرسالة
magazine      f  المجلة
dictionary    m  القاموس
novel         f  الرواية
diary         f  المفكرة
textbook      m  الكتاب+المدرسي/ADJ
encyclopedia  f  الموسوعة
postcard      f  البطاقة+البريدية/ADJ
computer      m  الحاسوب
phone         m  الهاتف
camera        f  الكاميرا
printer       f  الطابعة
radio         m  المذياع
television    m  التلفاز
calculator    f  الآلة+الحاسبة/ADJ
scanner       m  الماسح+الضوئي/ADJ
keyboard      f  لوحة+المفاتيح
projector     m  جهاز+العرض
table         f  الطاولة
chair         m  الكرسي
bed           m  السرير
lamp          m  المصباح
mirror        f  المرآة
carpet        f  السجادة
cupboard      f  الخزانة
sofa          f  الأريكة
pillow        f  الوسادة
blanket       f  البطانية
""")
ADJECTIVES = table("""
adjective  m       f
new        الجديد  الجديدة
old        القديم  القديمة
big        الكبير  الكبيرة
good       الجيد   الجيدة
cheap      الرخيص  الرخيصة
small      الصغير  الصغيرة
beautiful  الجميل  الجميلة
expensive  الغالي  الغالية
white      الأبيض  البيضاء
""")
VERBS = table("""
verb     m      f       k
sell     باع    باعت    إلى
send     أرسل   أرسلت   إلى
lend     أعار   أعارت   إلى
give     أهدى   أهدت    إلى
buy      اشترى  اشترت   من
receive  تلقى   تلقت    من
borrow   استعار  استعارت  من
get      أخذ    أخذت    من
find     وجد    وجدت    -
choose   اختار  اختارت  -
lose     أضاع   أضاعت   -
see      رأى    رأت     -
""")
PEOPLE = table("""
person       nom
man          الرجل
woman        المرأة
grandfather  الجد
grandmother  الجدة
king         الملك
queen        الملكة
boy          الولد
girl         البنت
""")
_CITIES = pairs("""
paris=باريس rome=روما berlin=برلين moscow=موسكو cairo=القاهرة tokyo=طوكيو capetown=كيب+تاون
hongkong=هونغ+كونغ london=لندن madrid=مدريد athens=أثينا vienna=فيينا beijing=بكين
istanbul=إسطنبول newyork=نيويورك lisbon=لشبونة delhi=دلهي buenosaires=بوينس+آيرس
""")
_SPOTS = pairs("""
market=السوق school=المدرسة hotel=الفندق office=المكتب park=الحديقة restaurant=المطعم
library=المكتبة museum=المتحف station=المحطة
""")
PLACES = {
    city: f"في/ADP+{name.replace('+', '/PROPN+')}/PROPN" for city, name in _CITIES.items()
} | {spot: f"في/ADP+{noun}" for spot, noun in _SPOTS.items()}
_DAYS = pairs("""
mon=الاثنين tue=الثلاثاء wed=الأربعاء thu=الخميس fri=الجمعة sat=السبت sun=الأحد
""")
_MONTHS = pairs("""
jan=يناير feb=فبراير mar=مارس apr=أبريل may=مايو jun=يونيو jul=يوليو aug=أغسطس sep=سبتمبر
oct=أكتوبر nov=نوفمبر dec=ديسمبر
""")
TIMES = (
    {day: f"يوم+{word}" for day, word in _DAYS.items()}
    | {month: f"في/ADP+{word}" for month, word in _MONTHS.items()}
    | {"yesterday": "أمس/ADV"}
)


def noun_phrase(thing: Row, adjective: Row | None, case: str) -> Words:
    """Definite noun, definite adjective in its gender."""
    described = phrase(adjective[thing["gender"]], "ADJ") if adjective else ()
    return (*phrase(thing["noun"]), *described)


GRAMMAR = Grammar(
    code="ar",
    name="Arabic",
    family="Afro-Asiatic",
    script="Arabic",
    names=NAMES,
    things=THINGS,
    adjectives=ADJECTIVES,
    verbs=VERBS,
    people=PEOPLE,
    places=PLACES,
    times=TIMES,
    year="في/ADP+عام+{}/NUM",
    templates={
        "plain": "V A T K O P W",
        "front": "F V A T K O P W",
        "who": "من/PRON V.m T K O ؟/PUNCT",
        "what": "ماذا/PRON V A K O ؟/PUNCT",
        "at": "Q V A T K O ؟/PUNCT",
        "where": "أين",
        "when": "متى",
        "now": "من/PRON لديه/ADP T الآن/ADV ؟/PUNCT",
        "before": "من/PRON كان/AUX لديه/ADP T من/ADP قبل/ADV ؟/PUNCT",
    },
    noun_phrase=noun_phrase,
    agree="agent",
    link="،/PUNCT+بينما/SCONJ",
)
