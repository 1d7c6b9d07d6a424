"""Two sets of colours, dark and light, each a Fusion palette and a style sheet.

Every pair of text and ground in them has a contrast of 4.5:1 or more.  What surrounds the picture
is the same dark gray in both: a light frame would make the picture look darker than it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

WARNING = QColor("#ffb86b")  # on the surroundings of the picture


@dataclass(frozen=True)
class Theme:
    """Colours by what they are for; `chips` has pairs of text and ground."""

    name: str
    ground: str
    raised: str
    base: str
    line: str
    text: str
    dim: str
    accent: str
    on_accent: str
    banner: tuple[str, str]
    chips: dict[str, tuple[str, str]]

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every text colour with every ground that it is written on."""
        texts = (self.text, self.dim, self.accent)
        grounds = (self.ground, self.raised, self.base)
        plain = tuple((text, ground) for text in texts for ground in grounds)
        strong = ((self.text, self.line), (self.on_accent, self.accent), self.banner)
        return (*plain, *strong, *self.chips.values())


DARK = Theme(
    "dark", "#1e2125", "#2a2e34", "#17191c", "#3b4149", "#e8eaed", "#a9b0ba", "#6cb2f5",
    "#0b1622", ("#ffe9c2", "#54400f"),
    {
        "exact": ("#b8f0c8", "#1d4a2d"), "averaged": ("#ffe0a3", "#54400f"),
        "computing": ("#d5d9df", "#3b4149"), "failed": ("#ffd0cc", "#6b211b"),
    },
)  # fmt: skip
LIGHT = Theme(
    "light", "#eceef1", "#f8f9fa", "#ffffff", "#c9ced6", "#1b1e22", "#545b66", "#0b5cad",
    "#ffffff", ("#4a3600", "#ffe9b8"),
    {
        "exact": ("#0d4a22", "#c4ebd0"), "averaged": ("#4a3600", "#ffe3a1"),
        "computing": ("#2c3138", "#d3d8df"), "failed": ("#6b120b", "#ffd5d0"),
    },
)  # fmt: skip
THEMES = {theme.name: theme for theme in (DARK, LIGHT)}
_now = DARK


def current() -> Theme:
    """The theme that was applied last."""
    return _now


def apply(application: QApplication, theme: Theme = DARK) -> None:
    """Fusion everywhere: native styles mix badly with palettes of one's own."""
    global _now
    _now = theme
    application.setStyle("Fusion")
    roles = QPalette.ColorRole
    colours = {
        roles.Window: theme.ground, roles.WindowText: theme.text, roles.Base: theme.base,
        roles.AlternateBase: theme.raised, roles.Text: theme.text, roles.Button: theme.raised,
        roles.ButtonText: theme.text, roles.ToolTipBase: theme.raised,
        roles.ToolTipText: theme.text, roles.Highlight: theme.accent,
        roles.HighlightedText: theme.on_accent, roles.Link: theme.accent,
        roles.PlaceholderText: theme.dim, roles.Mid: theme.line, roles.Dark: theme.line,
        roles.Light: theme.line, roles.Shadow: "#000000", roles.BrightText: theme.text,
    }  # fmt: skip
    palette = QPalette()
    for role, colour in colours.items():
        palette.setColor(role, QColor(colour))
        if role in (roles.WindowText, roles.Text, roles.ButtonText):
            palette.setColor(QPalette.ColorGroup.Disabled, role, QColor("#7c838d"))
    application.setPalette(palette)
    application.setStyleSheet(_style(theme))


def _style(t: Theme) -> str:
    banner_text, banner = t.banner
    return f"""
QToolBar {{ border: 0; border-bottom: 1px solid {t.line}; spacing: 4px; padding: 3px 6px; }}
QToolBar::separator {{ background: {t.line}; width: 1px; margin: 4px 6px; }}
QToolBar QLabel {{ color: {t.dim}; padding: 0 4px; }}
QToolBar QToolButton, #title QToolButton, #methods QToolButton {{
    border: 1px solid transparent; border-radius: 4px; padding: 3px 8px; }}
#title QToolButton {{ padding: 1px 5px; }}
QToolBar QToolButton#qt_toolbar_ext_button {{ padding: 0; background: {t.line}; }}
QToolButton::menu-indicator {{ image: none; }}
QToolBar QToolButton:hover, #title QToolButton:hover, #methods QToolButton:hover {{
    background: {t.line}; }}
QToolBar QToolButton:focus, #title QToolButton:focus, #methods QToolButton:focus {{
    border: 1px solid {t.accent}; }}
QToolBar QToolButton:pressed, QToolBar QToolButton:checked {{
    background: {t.accent}; color: {t.on_accent}; }}
#title QToolButton:pressed, #methods QToolButton:pressed {{
    background: {t.accent}; color: {t.on_accent}; }}
QToolButton:disabled {{ color: #7c838d; }}
#pane {{ border: 1px solid {t.line}; background: {t.raised}; }}
#pane[focused="true"] {{ border: 1px solid {t.accent}; }}
#title {{ background: {t.raised}; }}
#method {{ font-weight: 600; }}
#role {{ color: {t.accent}; padding: 0 6px; }}
#milliseconds, #parameters {{ color: {t.dim}; }}
#score {{ color: {t.text}; background: {t.raised}; padding: 0 8px 3px 8px; }}
#banner {{ background: {banner}; border-bottom: 1px solid {t.line}; }}
#banner QLabel, #banner QToolButton {{ color: {banner_text}; padding: 2px 6px; }}
QDockWidget {{ color: {t.dim}; }}
QDockWidget::title {{ background: {t.ground}; padding: 5px 8px; }}
QTreeWidget, QListWidget, QTableWidget {{ border: 1px solid {t.line}; }}
QStatusBar {{ border-top: 1px solid {t.line}; }}
QStatusBar::item {{ border: 0; }}
QStatusBar QLabel {{ padding: 1px 6px; color: {t.dim}; }}
QStatusBar QLabel#value {{ color: {t.text}; }}
"""
