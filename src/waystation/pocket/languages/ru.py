"""Russian: cases of nouns, adjectives and names, past tense that agrees with its subject.

Surnames follow the rule for foreign ones: a consonant declines for men only, -а for everybody,
other vowels for nobody.
"""

from __future__ import annotations

from waystation.pocket.grammar import Grammar, Row, Words, pairs, phrase, table
from waystation.pocket.world import Person

NAMES = pairs("""
maria=Мария sara=Сара elena=Елена nadia=Надия olivia=Оливия lucia=Лусия
omar=Омар daniel=Даниэль viktor=Виктор martin=Мартин karim=Карим thomas=Томас
laura=Лаура diana=Диана clara=Клара emma=Эмма robert=Роберт samir=Самир oscar=Оскар kevin=Кевин
anna=Анна sofia=София leila=Лейла nina=Нина julia=Юлия
david=Давид adam=Адам marko=Марко hassan=Хасан peter=Питер
lopez=Лопес rossi=Росси novak=Новак weber=Вебер tanaka=Танака santos=Сантос jensen=Йенсен
nasser=Насер silva=Силва keller=Келлер garcia=Гарсия moreno=Морено schmidt=Шмидт haddad=Хаддад
conti=Конти larsen=Ларсен suzuki=Судзуки
""")
THINGS = table("""
thing         gender  nom           acc
bread         m  хлеб          =
fish          f  рыба          рыбу
rice          m  рис           =
apple         n  яблоко        =
cheese        m  сыр           =
soup          m  суп           =
egg           n  яйцо          =
orange        m  апельсин      =
honey         m  мёд           =
cake          m  торт          =
guitar        f  гитара        гитару
piano         n  пианино       =
violin        f  скрипка       скрипку
drum          m  барабан       =
flute         f  флейта        флейту
trumpet       f  труба         трубу
harp          f  арфа          арфу
accordion     m  аккордеон     =
saxophone     m  саксофон      =
cello         f  виолончель    =
shirt         f  рубашка       рубашку
coat          n  пальто        =
hat           f  шляпа         шляпу
dress         n  платье        =
shoe          m  ботинок       =
belt          m  ремень        =
scarf         m  шарф          =
skirt         f  юбка          юбку
sweater       m  свитер        =
suit          m  костюм        =
book          f  книга         книгу
newspaper     f  газета        газету
letter        n  письмо        =
magazine      m  журнал        =
dictionary    m  словарь       =
novel         m  роман         =
diary         m  дневник       =
textbook      m  учебник       =
encyclopedia  f  энциклопедия  энциклопедию
postcard      f  открытка      открытку
computer      m  компьютер     =
phone         m  телефон       =
camera        f  камера        камеру
printer       m  принтер       =
radio         n  радио         =
television    m  телевизор     =
calculator    m  калькулятор   =
scanner       m  сканер        =
keyboard      f  клавиатура    клавиатуру
projector     m  проектор      =
table         m  стол          =
chair         m  стул          =
bed           f  кровать       =
lamp          f  лампа         лампу
mirror        n  зеркало       =
carpet        m  ковёр         =
cupboard      m  шкаф          =
sofa          m  диван         =
pillow        f  подушка       подушку
blanket       n  одеяло        =
""")
# Masculine and neuter are the same in the nominative and in the (inanimate) accusative.
ADJECTIVES = table("""
adjective  m          f          f.acc      n
new        новый      новая      новую      новое
old        старый     старая     старую     старое
big        большой    большая    большую    большое
good       хороший    хорошая    хорошую    хорошее
cheap      дешёвый    дешёвая    дешёвую    дешёвое
small      маленький  маленькая  маленькую  маленькое
beautiful  красивый   красивая   красивую   красивое
expensive  дорогой    дорогая    дорогую    дорогое
white      белый      белая      белую      белое
""")
VERBS = table("""
verb     m                           f                            k
sell     продал                      продала                      -
send     отправил                    отправила                    -
lend     одолжил                     одолжила                     -
give     подарил                     подарила                     -
buy      купил                       купила                       у
receive  получил                     получила                     от
borrow   взял+на/ADP+время/NOUN      взяла+на/ADP+время/NOUN      у
get      получил+в/ADP+подарок/NOUN  получила+в/ADP+подарок/NOUN  от
find     нашёл                       нашла                        -
choose   выбрал                      выбрала                      -
lose     потерял                     потеряла                     -
see      увидел                      увидела                      -
""")
PEOPLE = table("""
person       nom       gen       dat
man          мужчина   мужчины   мужчине
woman        женщина   женщины   женщине
grandfather  дедушка   дедушки   дедушке
grandmother  бабушка   бабушки   бабушке
king         король    короля    королю
queen        королева  королевы  королеве
boy          мальчик   мальчика  мальчику
girl         девочка   девочки   девочке
""")
_CITIES = pairs("""
paris=Париже rome=Риме berlin=Берлине moscow=Москве cairo=Каире tokyo=Токио capetown=Кейптауне
hongkong=Гонконге london=Лондоне madrid=Мадриде athens=Афинах vienna=Вене beijing=Пекине
istanbul=Стамбуле newyork=Нью-Йорке lisbon=Лиссабоне delhi=Дели buenosaires=Буэнос-Айресе
""")
PLACES = {city: f"в/ADP+{name}/PROPN" for city, name in _CITIES.items()} | pairs("""
market=на/ADP+рынке school=в/ADP+школе hotel=в/ADP+гостинице office=в/ADP+офисе park=в/ADP+парке
restaurant=в/ADP+ресторане library=в/ADP+библиотеке museum=в/ADP+музее station=на/ADP+вокзале
""")
TIMES = pairs("""
mon=в/ADP+понедельник tue=во/ADP+вторник wed=в/ADP+среду thu=в/ADP+четверг fri=в/ADP+пятницу
sat=в/ADP+субботу sun=в/ADP+воскресенье jan=в/ADP+январе feb=в/ADP+феврале mar=в/ADP+марте
apr=в/ADP+апреле may=в/ADP+мае jun=в/ADP+июне jul=в/ADP+июле aug=в/ADP+августе
sep=в/ADP+сентябре oct=в/ADP+октябре nov=в/ADP+ноябре dec=в/ADP+декабре yesterday=вчера/ADV
""")


def noun_phrase(thing: Row, adjective: Row | None, case: str) -> Words:
    """Adjective in gender and case, noun in case."""
    column = "f.acc" if thing["gender"] == "f" and case == "acc" else thing["gender"]
    described = phrase(adjective[column], "ADJ") if adjective else ()
    return (*described, *phrase(thing[case]))


def decline(name: str, person: Person, case: str) -> str:
    """One word of a name in the genitive or dative."""
    given = name == NAMES[person.given]
    if case == "nom" or name[-1] in "оиуеэ":
        return name
    if name.endswith("ия"):
        return name[:-1] + "и"
    if name.endswith("а"):
        genitive = "и" if name[-2] in "гкхжшщч" else "ы"
        return name[:-1] + (genitive if case == "gen" else "е")
    if person.gender == "f" and not given:
        return name
    stem, soft = (name[:-1], True) if name.endswith("ь") else (name, False)
    endings = {"gen": "ая", "dat": "ую"}[case]
    return stem + endings[soft]


def inflect(words: tuple[str, ...], person: Person, case: str) -> tuple[str, ...]:
    """Every word of a name declines."""
    return tuple(decline(word, person, case) for word in words)


GRAMMAR = Grammar(
    code="ru",
    name="Russian",
    family="Indo-European",
    script="Cyrillic",
    names=NAMES,
    things=THINGS,
    adjectives=ADJECTIVES,
    verbs=VERBS,
    people=PEOPLE,
    places=PLACES,
    times=TIMES,
    year="в/ADP+{}/NUM+году",
    templates={
        "plain": "A V T K O P W",
        "plain.to": "A V O T P W",
        "front": "F A V T K O P W",
        "front.to": "F A V O T P W",
        "who": "кто/PRON V.m T K O ?/PUNCT",
        "who.to": "кто/PRON V.m O T ?/PUNCT",
        "what": "что/PRON A V K O ?/PUNCT",
        "at": "Q A V T K O ?/PUNCT",
        "at.to": "Q A V O T ?/PUNCT",
        "where": "где",
        "when": "когда",
        "now": "у/ADP кого/PRON сейчас/ADV T.nom ?/PUNCT",
        "before": "у/ADP кого/PRON раньше/ADV B T.nom ?/PUNCT",
        "was.m": "был/VERB",
        "was.f": "была/VERB",
        "was.n": "было/VERB",
    },
    noun_phrase=noun_phrase,
    inflect=inflect,
    cases={"to": "dat", "from": "gen"},
    agree="agent",
    link=",/PUNCT+а",
)
