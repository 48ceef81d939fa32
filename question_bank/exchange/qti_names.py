"""The names of QTI: 2.x says `simpleChoice`, 3.0 says `qti-simple-choice`; inside we say the former. Pure."""

import re
from functools import lru_cache
from typing import Any

from msgspec import Struct

TOOL = "accreditation"
"""What our items say wrote them: their texts are read as exactly as they were written."""
CATALOG = "urn:uuid:6f0f3c1e-5d0b-4c57-9a0e-7c2b8f3d9e41"
"""The catalogue, in the words of LOM, that our ids are of. Nobody else's file has it by accident."""
MATH = "http://www.w3.org/1998/Math/MathML"
LOM = "http://ltsc.ieee.org/xsd/LOM"
XML = "{http://www.w3.org/XML/1998/namespace}"

_DASHED = re.compile(r"(?<=[a-z0-9])([A-Z])")
_LETTER = re.compile(r"-([a-z])")


class Version(Struct, frozen=True):
    """What differs from one QTI to the next."""

    name: str
    """"2.1"."""
    namespace: str
    schema: str
    package_namespace: str
    package_schema: str
    package_title: str
    package_version: str
    type: str
    """The end of a resource's type: imsqti_item_xml + this."""
    templates: str
    """Address of the response processing templates, with {} for the name."""

    @property
    def dashed(self) -> bool:
        return self.name == "3.0"


QTI_2_1 = Version(
    "2.1",
    "http://www.imsglobal.org/xsd/imsqti_v2p1",
    "http://www.imsglobal.org/xsd/qti/qtiv2p1/imsqti_v2p1.xsd",
    "http://www.imsglobal.org/xsd/imscp_v1p1",
    "http://www.imsglobal.org/xsd/qti/qtiv2p1/qtiv2p1_imscpv1p2_v1p0.xsd",
    "QTIv2.1 Package",
    "1.0.0",
    "v2p1",
    "http://www.imsglobal.org/question/qti_v2p1/rptemplates/{}",
)
QTI_2_2 = Version(
    "2.2",
    "http://www.imsglobal.org/xsd/imsqti_v2p2",
    "http://www.imsglobal.org/xsd/qti/qtiv2p2/imsqti_v2p2.xsd",
    "http://www.imsglobal.org/xsd/imscp_v1p1",
    "http://www.imsglobal.org/xsd/qti/qtiv2p2/qtiv2p2_imscpv1p2_v1p0.xsd",
    "QTIv2.2 Package",
    "1.0.0",
    "v2p2",
    "http://www.imsglobal.org/question/qti_v2p2/rptemplates/{}",
)
QTI_3_0 = Version(
    "3.0",
    "http://www.imsglobal.org/xsd/imsqtiasi_v3p0",
    "https://purl.imsglobal.org/spec/qti/v3p0/schema/xsd/imsqti_asiv3p0_v1p0.xsd",
    "http://www.imsglobal.org/xsd/qti/qtiv3p0/imscp_v1p1",
    "https://purl.imsglobal.org/spec/qti/v3p0/schema/xsd/imsqtiv3p0_imscpv1p2_v1p0.xsd",
    "QTI Package",
    "3.0.0",
    "v3p0",
    "https://purl.imsglobal.org/spec/qti/v3p0/rptemplates/{}.xml",
)


@lru_cache(4096)
def plain_name(tag: Any) -> str:
    """The name of an element as 2.x has it, without its namespace; "" for what is no element."""
    if not isinstance(tag, str):
        return ""
    local = tag.rpartition("}")[2]
    return _LETTER.sub(lambda match: match[1].upper(), local[4:]) if local.startswith("qti-") else local


@lru_cache(4096)
def dash(name: str) -> str:
    """`simpleChoice` → `simple-choice`."""
    return _DASHED.sub(lambda match: f"-{match[1]}", name).lower()


def attribute(element: Any, name: str) -> str:
    """An attribute by its name in 2.x, whichever of the two spellings it has; "" where there is none."""
    value = element.get(name)
    if value is None:
        value = element.get(dash(name), "")
    return str(value)


def children(element: Any, name: str) -> list[Any]:
    return [one for one in element if plain_name(one.tag) == name]


def child(element: Any, name: str) -> Any | None:
    for one in element:
        if plain_name(one.tag) == name:
            return one
    return None


def text_of(element: Any | None) -> str:
    """The text right in an element, without the blanks around it."""
    return "" if element is None else (element.text or "").strip()
