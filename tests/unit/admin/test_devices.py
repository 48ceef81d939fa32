import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin.devices import LONGEST, name_device

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT}"
ANDROID = f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT}"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"


def echo(text: str) -> str:
    return text


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (f"{WINDOWS} Chrome/130.0.0.0 Safari/537.36", "Chrome 130, Windows"),
        (f"{WINDOWS} Chrome/128.0.0.0 YaBrowser/24.10.0.0 Safari/537.36", "Яндекс Браузер 24, Windows"),
        (f"{WINDOWS} Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0", "Edge 130, Windows"),
        (f"{WINDOWS} Chrome/129.0.0.0 Safari/537.36 OPR/115.0.0.0", "Opera 115, Windows"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0", "Firefox 132, Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", "Firefox 132, Linux"),
        (
            f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} HeadlessChrome/130.0.0.0 Safari/537.36",
            "Chrome без окна 130, Linux",
        ),
        (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/130.0.0.0 Safari/537.36", "Chrome 130, ChromeOS"),
        (f"{ANDROID} Chrome/130.0.0.0 Mobile Safari/537.36", "Chrome 130, Android"),
        (f"{ANDROID} SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36", "Samsung Internet 26, Android"),
        (f"{IPHONE} Version/17.5 Mobile/15E148 Safari/604.1", "Safari 17, iPhone"),
        (f"{IPHONE} CriOS/130.0.6723.90 Mobile/15E148 Safari/604.1", "Chrome 130, iPhone"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
            " Version/18.0 Safari/605.1.15",
            "Safari 18, macOS",
        ),
        ("Chrome/130", "Chrome 130"),
        ("python-httpx/0.28.1", "python-httpx/0.28.1"),
        ("", ""),
    ],
)
def test_a_browser_is_named(agent: str, name: str) -> None:
    assert name_device(agent, echo) == name


def test_the_name_is_said_in_the_reader_s_language() -> None:
    say = {"Яндекс Браузер": "Yandex Browser"}
    assert name_device("YaBrowser/24.10 Windows", lambda text: say.get(text, text)) == "Yandex Browser 24, Windows"


@given(st.text(max_size=300))
def test_a_stranger_s_text_is_never_long(agent: str) -> None:
    name = name_device(agent, echo)
    assert len(name) <= LONGEST
    assert "\n" not in name
