"""What the drawn pages say: names, places, goods, sentences and settings in four languages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from numpy.random import Generator

__all__ = [
    "GOODS",
    "LANGUAGES",
    "MONTHS",
    "SENTENCES",
    "SETTINGS",
    "TALK",
    "address",
    "clock",
    "company",
    "day",
    "digits",
    "person",
    "pick",
    "price",
    "some",
    "title",
]

Item = TypeVar("Item")

LANGUAGES = ("en", "de", "es", "ru")
_FIRST = (
    *("Amelia", "Boris", "Carla", "Daniel", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas"),
    *("Keiko", "Lars", "Maria", "Nadia", "Oscar", "Priya", "Quentin", "Rosa", "Stefan", "Tomas"),
    *("Ulrike", "Victor", "Wanda", "Xenia", "Yusuf", "Zoe", "Anders", "Bianca", "Cem", "Dora"),
)
_LAST = (
    *("Abbott", "Berger", "Castillo", "Dubois", "Eriksen", "Fischer", "Garcia", "Hansen", "Ito"),
    *("Jansen", "Kowalski", "Lindqvist", "Moreau", "Novak", "Okafor", "Petrov", "Quinn", "Rossi"),
    *("Schmidt", "Tanaka", "Ueda", "Varga", "Weber", "Xu", "Yilmaz", "Zimmer", "Brandt", "Costa"),
)
_STREETS = (
    *("Harbour Road", "Mill Lane", "Station Street", "Castle Hill", "Garden Row", "Oak Avenue"),
    *("Bridge Street", "Church Close", "River Walk", "Market Square", "North Parade", "Elm Grove"),
)
_TOWNS = (
    *("Westport", "Ashford", "Kirkdale", "Lindenau", "Marbella", "Norwick", "Ostend", "Penrith"),
    *("Queensbury", "Ravenna", "Silkeborg", "Tampere", "Uppsala", "Verdun", "Winterberg", "York"),
)
_FIRMS = (
    *("Northwind", "Blue Heron", "Acorn", "Silverline", "Harbour", "Meridian", "Copperfield"),
    *("Larkspur", "Summit", "Red Kite", "Ironbridge", "Juniper", "Tidewater", "Evergreen"),
)
_TRADES = ("Supplies Ltd", "Logistics", "Foods", "Systems Inc", "Studio", "Partners", "Tools GmbH")
GOODS = (
    *("Copper cable 3 m", "Desk lamp", "Office chair", "Printer paper A4", "Toner black", "Mouse"),
    *("Wall clock", "Air filter", "Battery AA", "Hand drill", "Paint white 5 l", "Screws 4x40"),
    *("Tomatoes 500 g", "Whole milk 1 l", "Rye bread", "Butter", "Apples red", "Coffee beans"),
    *("Olive oil", "Spaghetti", "Brown sugar", "Green tea", "Orange juice", "Cheddar", "Yoghurt"),
    *("Shampoo", "Toothpaste", "Sponges", "Garden hose", "Bin bags", "Candles", "Tea towels"),
    *("Notebook", "Ballpoint pens", "Envelopes", "Stapler", "Whiteboard", "Headset", "USB hub"),
)
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September"),
    *("October", "November", "December"),
)
TALK = (
    *("ok, sure", "when does the train leave?", "I will be late tonight", "did you get the keys?"),
    *("thanks a lot!", "see you at seven", "the meeting was moved to Friday", "call me later"),
    *(
        "bring some bread and milk please",
        "that photo of the cat is very funny",
        "what about lunch",
    ),
    *("we are in front of the station", "no idea, ask Maria", "great news", "how was the exam?"),
    *("the parcel is with the neighbours", "it is raining here", "I can take the children"),
    *("yes", "not yet", "happy birthday to you both", "who has the tickets?", "on my way"),
    *("the doctor said it is nothing", "good night", "can you send me the address again?"),
)
SENTENCES = {
    "en": (
        "The new bridge over the river opens next spring.",
        "Visitors may enter the old town hall free of charge.",
        "Our bakery now delivers fresh bread before seven.",
        "Heavy rain closed three mountain roads on Sunday.",
        "The museum shows two hundred letters from the war.",
        "Tickets for the concert are sold at the door only.",
        "Farmers expect a good harvest after the mild winter.",
        "A small company builds boats from recycled wood.",
        "The library will stay open until ten on Thursdays.",
        "Scientists counted more birds than in any year before.",
        "Read the instructions carefully before the first use.",
        "The city plants a tree for every child that is born.",
    ),
    "de": (
        "Die neue Brücke über den Fluss wird im Frühjahr eröffnet.",
        "Besucher dürfen das alte Rathaus kostenlos betreten.",
        "Unsere Bäckerei liefert frisches Brot nun vor sieben Uhr.",
        "Starker Regen sperrte am Sonntag drei Bergstraßen.",
        "Das Museum zeigt zweihundert Briefe aus dem Krieg.",
        "Karten für das Konzert gibt es nur an der Abendkasse.",
        "Nach dem milden Winter erwarten Bauern eine gute Ernte.",
        "Ein kleiner Betrieb baut Boote aus altem Holz.",
        "Die Bücherei bleibt donnerstags bis zehn geöffnet.",
        "Forscher zählten mehr Vögel als in jedem Jahr zuvor.",
        "Lesen Sie die Anleitung vor dem ersten Gebrauch.",
        "Die Stadt pflanzt für jedes neue Kind einen Baum.",
    ),
    "es": (
        "El nuevo puente sobre el río se abre en primavera.",
        "La entrada al antiguo ayuntamiento es gratuita.",
        "Nuestra panadería reparte pan fresco antes de las siete.",
        "La lluvia cerró tres carreteras de montaña el domingo.",
        "El museo muestra doscientas cartas de la guerra.",
        "Las entradas del concierto se venden solo en la puerta.",
        "Los agricultores esperan una buena cosecha este año.",
        "Una pequeña empresa construye barcos de madera vieja.",
        "La biblioteca abrirá hasta las diez los jueves.",
        "Los científicos contaron más aves que nunca.",
        "Lea las instrucciones antes del primer uso.",
        "La ciudad planta un árbol por cada niño que nace.",
    ),
    "ru": (
        "Новый мост через реку откроется следующей весной.",
        "Вход в старую ратушу для посетителей бесплатный.",
        "Наша пекарня теперь привозит хлеб до семи утра.",
        "Сильный дождь закрыл в воскресенье три горные дороги.",
        "Музей показывает двести писем времён войны.",
        "Билеты на концерт продаются только на входе.",
        "После мягкой зимы крестьяне ждут хорошего урожая.",
        "Небольшая фирма строит лодки из старого дерева.",
        "По четвергам библиотека открыта до десяти.",
        "Учёные насчитали больше птиц, чем когда-либо.",
        "Перед первым использованием прочитайте инструкцию.",
        "Город сажает дерево для каждого нового ребёнка.",
    ),
}
SETTINGS = {
    "en": (
        *("Notifications", "Sounds", "Brightness", "Battery", "Storage", "Privacy", "Language"),
        *("Wireless", "Bluetooth", "Updates", "Account", "Location", "Camera", "Dark mode"),
        *("Backup", "Help", "Downloads", "Fonts", "Keyboard", "About"),
    ),
    "de": (
        *("Mitteilungen", "Töne", "Helligkeit", "Akku", "Speicher", "Datenschutz", "Sprache"),
        *("Drahtlos", "Bluetooth", "Aktualisierung", "Konto", "Standort", "Kamera", "Dunkelmodus"),
        *("Sicherung", "Hilfe", "Heruntergeladen", "Schriften", "Tastatur", "Über"),
    ),
    "es": (
        *("Avisos", "Sonidos", "Brillo", "Batería", "Almacenamiento", "Privacidad", "Idioma"),
        *("Inalámbrica", "Bluetooth", "Actualizar", "Cuenta", "Ubicación", "Cámara"),
        *("Modo oscuro", "Copia", "Ayuda", "Descargas", "Letras", "Teclado", "Acerca de"),
    ),
    "ru": (
        *("Уведомления", "Звуки", "Яркость", "Батарея", "Память", "Приватность", "Язык"),
        *("Сеть", "Bluetooth", "Обновления", "Профиль", "Место", "Камера", "Тёмный режим"),
        *("Копии", "Помощь", "Загрузки", "Шрифты", "Клавиатура", "О программе"),
    ),
}
_TITLES = (
    *("Quarterly results", "Our plan for the year", "Safety on site", "Customer survey"),
    *("Moving to the cloud", "Energy use", "New hires", "Market outlook", "Lessons learnt"),
    *("Risks and measures", "Budget", "Roadmap", "Field trial", "Next steps", "Supply chain"),
)


def pick(random: Generator, items: Sequence[Item]) -> Item:
    """One of some items."""
    return items[int(random.integers(len(items)))]


def some(random: Generator, items: Sequence[Item], count: int) -> list[Item]:
    """So many of some items, none twice while there are enough."""
    order = [int(n) for n in random.permutation(len(items))]
    return [items[order[number % len(items)]] for number in range(count)]


def person(random: Generator) -> str:
    """A first and a last name."""
    return f"{pick(random, _FIRST)} {pick(random, _LAST)}"


def company(random: Generator) -> str:
    """A firm's name."""
    return f"{pick(random, _FIRMS)} {pick(random, _TRADES)}"


def address(random: Generator) -> tuple[str, str]:
    """Street and number; code and town."""
    street = f"{random.integers(1, 240)} {pick(random, _STREETS)}"
    return street, f"{random.integers(10_000, 99_999)} {pick(random, _TOWNS)}"


def day(random: Generator) -> str:
    """A date of the years 2015–2029."""
    return (
        f"{random.integers(2015, 2030)}-{random.integers(1, 13):02d}-{random.integers(1, 29):02d}"
    )


def clock(random: Generator) -> str:
    """A time of the day."""
    return f"{random.integers(0, 24):02d}:{random.integers(0, 60):02d}"


def digits(random: Generator, count: int) -> str:
    """So many decimal digits."""
    return "".join(str(n) for n in random.integers(0, 10, count))


def price(random: Generator, most: float = 900) -> float:
    """A price between 0.5 and ``most``, small ones more often, in whole hundredths."""
    return round(float(0.5 * (2 * most) ** random.random()), 2)


def title(random: Generator) -> str:
    """A heading."""
    return pick(random, _TITLES)
