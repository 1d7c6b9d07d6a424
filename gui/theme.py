"""Colours: a dark Fusion palette, so that the picture is the brightest thing in the window."""

from __future__ import annotations

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

GROUND, RAISED, LINE = "#1e2125", "#2a2e34", "#3b4149"
TEXT, DIM, ACCENT = "#e8eaed", "#a4abb5", "#4c9be8"
WARNING = QColor("#ffb86b")
# Text and ground of the chips; each pair has a contrast of 4.5:1 or more.
CHIPS = {
    "exact": ("#b8f0c8", "#1d4a2d"),
    "averaged": ("#ffe0a3", "#54400f"),
    "computing": ("#d5d9df", "#3b4149"),
    "failed": ("#ffd0cc", "#6b211b"),
}

_STYLE = f"""
QToolBar {{ border: 0; border-bottom: 1px solid {LINE}; spacing: 4px; padding: 4px 6px; }}
QToolBar::separator {{ background: {LINE}; width: 1px; margin: 4px 6px; }}
QToolBar QLabel {{ color: {DIM}; padding: 0 4px; }}
QToolBar QToolButton, #title QToolButton {{ border: 1px solid transparent; border-radius: 4px;
    padding: 3px 8px; }}
#title QToolButton {{ padding: 1px 6px; }}
#title QToolButton::menu-indicator {{ image: none; }}
QToolBar QToolButton:hover, #title QToolButton:hover {{ background: {LINE}; }}
QToolBar QToolButton:pressed, #title QToolButton:pressed {{ background: {ACCENT}; }}
#pane {{ border: 1px solid {LINE}; background: {RAISED}; }}
#pane[focused="true"] {{ border: 1px solid {ACCENT}; }}
#title {{ background: {RAISED}; }}
#method {{ font-weight: 600; }}
#milliseconds, #parameters {{ color: {DIM}; }}
#chip {{ border-radius: 8px; padding: 1px 8px; }}
#banner {{ background: #54400f; border-bottom: 1px solid {LINE}; }}
#banner QLabel {{ color: #ffe9c2; padding: 2px 6px; }}
QStatusBar {{ border-top: 1px solid {LINE}; }}
QStatusBar::item {{ border: 0; }}
QStatusBar QLabel {{ padding: 1px 6px; color: {DIM}; }}
QStatusBar QLabel#value {{ color: {TEXT}; }}
"""


def apply(application: QApplication) -> None:
    """Fusion everywhere: native styles mix badly with a dark palette."""
    application.setStyle("Fusion")
    roles = QPalette.ColorRole
    colours = {
        roles.Window: GROUND, roles.WindowText: TEXT, roles.Base: "#17191c",
        roles.AlternateBase: RAISED, roles.Text: TEXT, roles.Button: RAISED,
        roles.ButtonText: TEXT, roles.ToolTipBase: RAISED, roles.ToolTipText: TEXT,
        roles.Highlight: "#2f6fb3", roles.HighlightedText: "#ffffff", roles.Link: ACCENT,
        roles.PlaceholderText: DIM, roles.Mid: LINE, roles.Dark: "#121416",
        roles.Light: LINE, roles.Shadow: "#000000",
    }  # fmt: skip
    palette = QPalette()
    for role, colour in colours.items():
        palette.setColor(role, QColor(colour))
        if role in (roles.WindowText, roles.Text, roles.ButtonText):
            palette.setColor(QPalette.ColorGroup.Disabled, role, QColor("#767d87"))
    application.setPalette(palette)
    application.setStyleSheet(_STYLE)


def chip_style(chip: str) -> str:
    """Colours of a chip, by its first word."""
    text, ground = CHIPS[chip.split()[0]]
    return f"color: {text}; background: {ground};"
