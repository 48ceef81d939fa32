"""Pictures of the demo's items, drawn by code: no patient was ever connected to these wires."""

from collections.abc import Callable, Sequence
from math import exp
from random import Random
from typing import Any

import cv2
import numpy as np

from core.ids import AssetId
from question_bank.pictures import Picture, redraw

MM = 6
"""Pixels of one millimetre of paper: 25 mm are a second, 10 mm a millivolt."""
SECONDS = 6
PINK, DEEP_PINK, INK, BLUE = (218, 214, 250), (178, 170, 236), (40, 30, 26), (150, 84, 28)
GREY = (215, 215, 215)

Wave = tuple[float, float, float]
"""Centre (s after the beat), width (s) and height (mV) of one bump of a beat."""

NORMAL: tuple[Wave, ...] = (
    (-0.17, 0.025, 0.14),
    (-0.03, 0.008, -0.1),
    (0, 0.011, 1.0),
    (0.03, 0.009, -0.2),
    (0.28, 0.05, 0.28),
)
WITHOUT_P = NORMAL[1:]
RAISED_ST: tuple[Wave, ...] = (*NORMAL[:-1], (0.14, 0.06, 0.42), (0.25, 0.06, 0.52))


def draw_figures() -> dict[AssetId, Picture]:
    """Every picture by its id; the same bytes each time."""
    steady = [0.35 + 0.82 * beat for beat in range(8)]
    figures: dict[str, Callable[[], Any]] = {
        "ekg-bez-p": lambda: draw_strip(WITHOUT_P, irregular(), ripple=0.045),
        "ekg-st": lambda: draw_strip(RAISED_ST, steady),
        "temperatura": lambda: draw_chart([37.0, 39.4, 36.7, 36.6, 39.8, 36.5, 36.7, 39.6, 36.6, 36.8, 39.5, 36.6]),
    }
    return {AssetId(name): redraw(cv2.imencode(".png", draw())[1].tobytes()) for name, draw in figures.items()}


def irregular() -> list[float]:
    """Beats that follow each other at no two equal distances."""
    random = Random(11)
    beats = [0.3]
    while beats[-1] < SECONDS - 0.5:
        beats.append(beats[-1] + 0.42 + 0.65 * random.random())
    return beats


def draw_strip(waves: Sequence[Wave], beats: Sequence[float], ripple: float = 0.0) -> Any:
    """Six seconds of one lead on millimetre paper, with the mark of one millivolt at its beginning."""
    left, height = 8 * MM, 36 * MM
    width = left + 25 * SECONDS * MM + 2 * MM
    paper = np.full((height, width, 3), 255, np.uint8)
    for step in range(0, width, MM):
        cv2.line(paper, (step, 0), (step, height), DEEP_PINK if step % (5 * MM) == 0 else PINK, 1)
    for step in range(0, height, MM):
        cv2.line(paper, (0, step), (width, step), DEEP_PINK if step % (5 * MM) == 0 else PINK, 1)
    base = 22 * MM
    mark = [
        (MM, base),
        (2 * MM, base),
        (2 * MM, base - 10 * MM),
        (6 * MM, base - 10 * MM),
        (6 * MM, base),
        (7 * MM, base),
    ]
    _draw_line(paper, mark)
    random = Random(5)
    phases = [random.random() * 6.28 for _ in range(4)]
    dots = []
    for x in range(left, left + 25 * SECONDS * MM):
        at = (x - left) / (25 * MM)
        level = sum(
            high * exp(-(((at - beat - centre) / wide) ** 2) / 2)
            for beat in beats
            if abs(at - beat) < 1
            for centre, wide, high in waves
        )
        level += ripple * sum(float(np.sin(at * (38 + 7 * n) + phase)) for n, phase in enumerate(phases)) / 2
        dots.append((x, round(base - level * 10 * MM)))
    _draw_line(paper, dots)
    cv2.putText(paper, "II   25 mm/s   10 mm/mV", (left, 4 * MM), cv2.FONT_HERSHEY_SIMPLEX, 0.6, INK, 1, cv2.LINE_AA)
    return paper


def draw_chart(degrees: Sequence[float]) -> Any:
    """A temperature chart: degrees in the morning and in the evening, two points a day."""
    left, top, step, scale = 70, 30, 60, 80
    low, high = 36, 40
    width, height = left + step * (len(degrees) - 1) + 40, top + scale * (high - low) + 50
    paper = np.full((height, width, 3), 255, np.uint8)
    for degree in range(low, high + 1):
        y = top + scale * (high - degree)
        cv2.line(
            paper, (left, y), (width - 20, y), DEEP_PINK if degree == 37 else (215, 215, 215), 2 if degree == 37 else 1
        )
        cv2.putText(paper, f"{degree}", (18, y + 7), cv2.FONT_HERSHEY_SIMPLEX, 0.65, INK, 1, cv2.LINE_AA)
    for number in range(len(degrees)):
        x = left + step * number
        cv2.line(paper, (x, top), (x, height - 50), GREY, 1)
        if number % 2 == 0:
            cv2.putText(
                paper,
                f"{number // 2 + 1}",
                (x + step // 2 - 6, height - 18),
                cv2.FONT_HERSHEY_SIMPLEX,
                0.6,
                INK,
                1,
                cv2.LINE_AA,
            )
    dots = [(left + step * n, round(top + scale * (high - degree))) for n, degree in enumerate(degrees)]
    _draw_line(paper, dots, BLUE)
    for dot in dots:
        cv2.circle(paper, dot, 6, BLUE, -1, cv2.LINE_AA)
    return paper


def _draw_line(paper: Any, dots: Sequence[tuple[int, int]], colour: tuple[int, int, int] = INK) -> None:
    cv2.polylines(paper, [np.array(dots, np.int32)], False, colour, 2, cv2.LINE_AA)
