"""What every page has to hold: no barrier that axe-core finds, nothing wider than the window, no complaint."""

from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Page

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
NARROW = 320
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}

RUN = """async tags => {
    const found = await axe.run(document, {runOnly: {type: "tag", values: tags}, resultTypes: ["violations"]});
    return found.violations.map(one => ({rule: one.id, help: one.help, places: one.nodes.map(node => ({
        place: node.target.join(" "), html: node.html.slice(0, 300), why: node.failureSummary.slice(0, 400)}))}));
}"""

OVERFLOW = """() => {
    const root = document.documentElement, width = root.clientWidth;
    if (root.scrollWidth <= width) return [];
    const wide = [...document.querySelectorAll("body *")].filter(one => {
        const box = one.getBoundingClientRect();
        return box.width && box.right > width + 1 && getComputedStyle(one).position !== "fixed";
    });
    return [`page is ${root.scrollWidth} wide in ${width}`, ...wide.slice(0, 8).map(one =>
        `${one.tagName.toLowerCase()}.${[...one.classList].join(".")} ends at ${
            Math.round(one.getBoundingClientRect().right)}`)];
}"""

SETTLED = """() => Promise.all(document.getAnimations().filter(one =>
    one.effect.getComputedTiming().iterations !== Infinity).map(one => one.finished.catch(() => {})))"""


async def audit(page: Page) -> list[str]:
    """What is wrong with the page as it stands, at both sizes, light and dark, and at the narrowest width."""
    faults = []
    if not await page.evaluate("() => 'axe' in window"):
        await page.evaluate(AXE.read_text(encoding="utf-8"))
    for size, (width, height) in SIZES.items():
        await page.set_viewport_size({"width": width, "height": height})
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            await page.evaluate(SETTLED)
            faults += [f"{size}, {scheme}: {fault}" for fault in _describe(await page.evaluate(RUN, list(TAGS)))]
        faults += [f"{size}: {fault}" for fault in await page.evaluate(OVERFLOW)]
    await page.set_viewport_size({"width": NARROW, "height": 700})
    faults += [f"{NARROW} px: {fault}" for fault in await page.evaluate(OVERFLOW)]
    await page.set_viewport_size({"width": SIZES["desktop"][0], "height": SIZES["desktop"][1]})
    await page.emulate_media(color_scheme="light")
    return list(dict.fromkeys(faults))


def _describe(violations: list[dict[str, Any]]) -> list[str]:
    return [
        f"{one['rule']}: {place['place']} {place['html']} — {place['why']}"
        for one in violations
        for place in one["places"][:5]
    ]
