"""Screens of programs: chats, settings, pages in other languages and themes, logs."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from numpy.random import Generator

from lookalike.model.arrays import UInt8Array
from lookalike_bench.judge_sets import words as w
from lookalike_bench.judge_sets.pages import css
from lookalike_bench.judge_sets.sheet import mixed
from lookalike_bench.judge_sets.studio import Place

__all__ = ["app_screen", "chat", "log_screen", "page_in_a_language", "page_in_a_theme"]

# paper, text, panel
_THEMES = {
    "light": ("#ffffff", "#1d1d1f", "#eef0f3"),
    "dark": ("#121417", "#e8e8ea", "#23272e"),
    "sepia": ("#f6ecd8", "#4a3a24", "#eadbbd"),
    "blue": ("#10243f", "#dbe7f7", "#1b3a63"),
    "green": ("#eef8ee", "#17351c", "#cfe8d1"),
    "contrast": ("#000000", "#ffff00", "#333300"),
}


def _look(theme: str) -> str:
    paper, text, panel = _THEMES[theme]
    return f":root {{ --paper: {paper}; --text: {text}; --panel: {panel}; }}"


def chat(at: Place) -> UInt8Array:
    """A chat program's screen: one person's bar and wallpaper, other talk."""
    style, content = at.style, at.content
    width, height = int(style.integers(360, 560)), int(style.integers(680, 1000))
    family, ink = at.studio.fonts.reading(style), mixed(style, dark=True)
    dots = w.pick(style, ("#00000012", "#0000", "#ffffff30"))
    mine = w.pick(style, ("#dcf8c6", "#cfe4ff", "#ffe0b8"))
    said = "".join(
        f"<p class={'mine' if content.random() < 0.5 else 'theirs'}>"
        f"{escape(w.pick(content, w.TALK))}<small>{w.clock(content)}</small></p>"
        for _ in range(int(content.integers(5, 16)))
    )
    html = f"""<style>
    body {{ height: 100vh; display: flex; flex-direction: column; font-size: 16px;
      background: radial-gradient({dots} 5px, transparent 6px) 0 0/34px 34px,
      {w.pick(style, ("#e5ddd5", "#dfe7ee", "#f4f4f4", "#2a2f36"))}; }}
    header {{ background: {css(ink)}; color: white; padding: 26px 16px 12px; font-size: 20px; }}
    header b {{ display: inline-block; width: 40px; height: 40px; border-radius: 20px;
      background: #ccc; color: #555; text-align: center; line-height: 40px;
      margin-right: 12px; }}
    main {{ flex: 1; padding: 12px; overflow: hidden; }}
    p {{ clear: both; max-width: 76%; margin: 0 0 8px; padding: 8px 12px; border-radius: 12px;
      box-shadow: 0 1px 1px #0003; color: #111; }} small {{ color: #777; margin-left: 10px; }}
    .mine {{ float: right; background: {mine}; }} .theirs {{ float: left; background: white; }}
    footer {{ background: #f0f0f0; padding: 10px 14px; color: #999; }}
    footer span {{ display: block; background: white; border-radius: 20px; padding: 9px 16px; }}
    </style><header><b>{w.person(style)[0]}</b>{w.person(style)}</header><main>{said}</main>
    <footer><span>Type a message</span></footer>"""
    return at.studio.shown(html, width, height, family)


def app_screen(at: Place) -> UInt8Array:
    """One program's settings in another language, state or theme."""
    style, content = at.style, at.content
    width, height = int(style.integers(340, 620)), int(style.integers(620, 960))
    family, ink = at.studio.fonts.reading(style), mixed(style)
    order = [int(n) for n in style.permutation(20)][: (height - 130) // 56]
    languages = w.some(style, w.LANGUAGES, 2)
    # a quarter of the states shows the first language and theme, so that only switches differ
    plain = at.number % 4 == 0
    words = w.SETTINGS[languages[0] if plain else w.pick(content, languages)]
    theme = "light" if plain or content.random() < 0.5 else "dark"
    switches = content.random(len(order)) < 0.5
    lines = "".join(
        f"<div class=row><em></em>{words[n]}<s class={'on' if on else 'off'}><u></u></s></div>"
        for n, on in zip(order, switches, strict=True)
    )
    html = f"""<style>{_look(theme)}
    body {{ background: var(--paper); color: var(--text); }}
    h1 {{ font-size: 26px; margin: 0; padding: 30px 20px 16px; background: var(--panel); }}
    .row {{ display: flex; align-items: center; height: 56px; padding: 0 20px; font-size: 18px;
      border-bottom: 1px solid #8884; }}
    em {{ width: 28px; height: 28px; border-radius: {style.integers(0, 15)}px; margin-right: 16px;
      background: {css(ink)}; }}
    s {{ margin-left: auto; width: 46px; height: 26px; border-radius: 13px; background: #9999;
      position: relative; }} s.on {{ background: {css(ink)}; }}
    u {{ position: absolute; top: 3px; left: 3px; width: 20px; height: 20px; background: white;
      border-radius: 10px; }} .on u {{ left: 23px; }}
    </style><h1>{words[order[0]]}</h1>{lines}"""
    return at.studio.shown(html, width, height, family)


def page_in_a_language(at: Place) -> UInt8Array:
    """A web page whose pictures and places stay, its text in one of four languages."""
    language = w.LANGUAGES[at.number % len(w.LANGUAGES)]
    return _site(at, language, "light")


def page_in_a_theme(at: Place) -> UInt8Array:
    """A web page whose text and pictures stay, in one of six themes."""
    return _site(at, "en", list(_THEMES)[at.number % len(_THEMES)])


def _site(at: Place, language: str, theme: str) -> UInt8Array:
    """A site's front page; ``at.style`` chooses everything but language and theme."""
    style = at.style
    width, height = int(style.integers(480, 1100)), int(style.integers(500, 900))
    family, ink = at.studio.fonts.reading(style), mixed(style, dark=True)
    columns = int(style.integers(1, 4)) if width > 700 else 1
    order = [int(n) for n in style.permutation(12)]
    sentences, names = w.SENTENCES[language], w.SETTINGS[language]
    menu = "".join(f"<a>{names[n]}</a>" for n in order[:4])
    cards = "".join(_card(sentences, order, number, style) for number in range(6))
    picture = at.studio.photos[at.layout].resolve().as_uri()
    html = f"""<style>{_look(theme)}
    body {{ background: var(--paper); color: var(--text); }}
    nav {{ background: {css(ink)}; color: white; padding: 14px 22px; font-size: 17px; }}
    nav b {{ font-size: 22px; margin-right: 30px; }} nav a {{ margin-right: 20px; }}
    .hero {{ display: flex; gap: 20px; padding: 20px; background: var(--panel); }}
    .hero img {{ width: 40%; height: 190px; object-fit: cover; }} h1 {{ margin: 0 0 12px; }}
    main {{ display: grid; grid-template-columns: repeat({columns}, 1fr); gap: 16px;
      padding: 20px; }}
    div.card {{ background: var(--panel); padding: 14px; border-radius: 8px; }}
    h3 {{ margin: 4px 0 8px; border-left: 6px solid {css(mixed(style))}; padding-left: 8px; }}
    </style><nav><b>{w.company(style)}</b>{menu}</nav>
    <div class=hero><img src="{picture}"><div><h1>{sentences[order[0]]}</h1>
    {sentences[order[1]]} {sentences[order[2]]}</div></div><main>{cards}</main>"""
    return at.studio.shown(html, width, height, family)


def _card(sentences: tuple[str, ...], order: list[int], number: int, style: Generator) -> str:
    first = order[(number + 3) % 12]
    text = " ".join(sentences[order[(number * 2 + n) % 12]] for n in range(style.integers(2, 5)))
    return f"<div class=card><h3>{sentences[first]}</h3>{text}</div>"


_LOGS: Mapping[str, tuple[str, str]] = {
    "black": ("#101010", "#d8d8d8"),
    "green": ("#001800", "#38e038"),
    "white": ("#ffffff", "#202020"),
    "solar": ("#fdf6e3", "#586e75"),
}


def log_screen(at: Place) -> UInt8Array:
    """A terminal's screen of which one line is another's; the first of a layout as it is."""
    style, content = at.style, at.content
    family = w.pick(style, at.studio.fonts.mono)
    paper, text = _LOGS[w.pick(style, tuple(_LOGS))]
    lines = [_log_line(style) for _ in range(int(style.integers(18, 34)))]
    if at.number:
        lines[int(content.integers(len(lines)))] = _log_line(content)
    size = int(style.integers(12, 19))
    width = round(size * 0.6 * 84)
    title = f"{w.person(style).lower().replace(' ', '@')}: ~/{w.title(style).split()[0].lower()}"
    html = f"""<style>
    body {{ background: {paper}; color: {text}; font-size: {size}px; }}
    header {{ background: #8886; padding: 6px 12px; }} pre {{ margin: 8px 12px; font-family: own;
      line-height: 1.35; }}
    </style><header>{title}</header><pre>{escape(chr(10).join(lines))}</pre>"""
    return at.studio.shown(html, width, round(len(lines) * size * 1.35 + 60), family)


def _log_line(random: Generator) -> str:
    stamp = f"{w.day(random)} {w.clock(random)}"
    level = w.pick(random, ("INFO ", "WARN ", "ERROR", "DEBUG"))
    return f"{stamp} {level} {w.digits(random, 4)} {w.pick(random, w.SENTENCES['en'])}"[:80]
