"""What the address of the bank's list asks for, read and written: filters, words, the page."""

from collections.abc import Iterable
from typing import get_args
from urllib.parse import urlencode

from msgspec import Struct, structs
from starlette.datastructures import QueryParams

from admin.pages.door import LONGEST_QUERY
from admin.shelves import Exposed
from core.ids import PersonId
from core.web.requests import plain, read_number
from question_bank.bands import EASY_FROM, HARD_BELOW, Band
from question_bank.forms import ItemKind, ItemPool, Language, Level
from question_bank.pool import WHOLE
from question_bank.requirements import Requirement, Speciality
from question_bank.wanted import Wanted, Where

WHERES: tuple[Where, ...] = get_args(Where)
BANDS: dict[Band, tuple[float | None, float | None]] = {
    "hard": (None, HARD_BELOW / WHOLE),
    "medium": (HARD_BELOW / WHOLE, EASY_FROM / WHOLE),
    "easy": (EASY_FROM / WHOLE, None),
}
NAMES = (
    "q",
    "speciality",
    "where",
    "section",
    "requirement",
    "kind",
    "level",
    "band",
    "pool",
    "language",
    "author",
    "tag",
    "known",
    "exposed",
)
"""In the order in which they stand in an address."""
ALWAYS_SHOWN = ("q", "speciality", "where")
EXPOSED: tuple[Exposed, ...] = get_args(Exposed)
KNOWN = ("calibrated", "uncalibrated", "rated", "unrated")


class Asked(Struct, frozen=True):
    """What was asked for, by name: "" for what was not, or makes no sense."""

    chosen: dict[str, str]
    wanted: Wanted
    exposed: Exposed | None = None
    """See shelves.narrow."""

    @property
    def words(self) -> str:
        return self.chosen["q"]

    @property
    def query(self) -> str:
        """As it stands in an address, without the page."""
        return urlencode({name: value for name, value in self.chosen.items() if value})

    @property
    def narrowed(self) -> int:
        """How many of the filters that are folded away are set."""
        return sum(1 for name, value in self.chosen.items() if value and name not in ALWAYS_SHOWN)

    def of(self, specialities: Iterable[Speciality]) -> "Asked":
        """Without a speciality that is none of these."""
        if self.wanted.speciality is None or any(one.code == self.wanted.speciality for one in specialities):
            return self
        return structs.replace(
            self, chosen=self.chosen | {"speciality": ""}, wanted=structs.replace(self.wanted, speciality=None)
        )

    def within(self, requirements: Iterable[Requirement]) -> "Asked":
        """Without a requirement or a section that is none of these: another speciality was chosen since."""
        codes, sections = set(), set()
        for one in requirements:
            codes.add(one.code)
            sections.add(one.section)
        code, section = self.chosen["requirement"], self.chosen["section"]
        gone = {"requirement": code not in codes, "section": section not in sections}
        return structs.replace(
            self,
            chosen=self.chosen | {name: "" for name, is_gone in gone.items() if is_gone},
            wanted=structs.replace(self.wanted, **{name: None for name, is_gone in gone.items() if is_gone}),
        )


def read_asked(query: QueryParams, reader: PersonId) -> Asked:
    """Anything may stand in an address; what is unknown is not asked for."""
    told = {name: plain(query.get(name, ""), LONGEST_QUERY).strip() for name in NAMES}
    own = told["author"] == "me"
    author = reader if own else read_number(told["author"])
    known = told["known"] if told["known"] in KNOWN else ""
    band = next((one for one in BANDS if one == told["band"]), None)
    kind = next((one for one in get_args(ItemKind) if one == told["kind"]), None)
    level = next((one for one in get_args(Level) if one == told["level"]), None)
    pool = next((one for one in get_args(ItemPool) if one == told["pool"]), None)
    language = next((one for one in get_args(Language) if one == told["language"]), None)
    where = next((one for one in WHERES if one == told["where"]), None)
    exposed = next((one for one in EXPOSED if one == told["exposed"]), None)
    mine = told["where"] == "mine"
    easier, harder = BANDS[band] if band is not None else (None, None)
    chosen = told | {
        "author": "me" if own else str(author or ""),
        "known": known,
        "exposed": exposed or "",
        "band": band or "",
        "kind": kind or "",
        "level": level or "",
        "pool": pool or "",
        "language": language or "",
        "where": "mine" if mine else where or "",
    }
    wanted = Wanted(
        speciality=told["speciality"] or None,
        section=told["section"] or None,
        requirement=told["requirement"] or None,
        kind=kind,
        level=level,
        easier=easier,
        harder=harder,
        where=where,
        pool=pool,
        tag=told["tag"] or None,
        language=language,
        author=None if author is None else PersonId(author),
        reviewer=reader if mine else None,
        calibrated={"calibrated": True, "uncalibrated": False}.get(known),
        rated={"rated": True, "unrated": False}.get(known),
    )
    return Asked(chosen, wanted, exposed)
