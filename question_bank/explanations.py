"""What practice tells about an item once it is locked: the right choices, and why. Pure."""

from msgspec import Struct

from core.ids import AssetId, ChoiceId
from question_bank.candidate_copy import CandidateItem
from question_bank.markup import find_assets


class ExplainedStage(Struct, frozen=True):
    """The choices that were right, in the order in which they are carried out where that counts; those that harm."""

    right: tuple[ChoiceId, ...]
    harmful: tuple[ChoiceId, ...]


class Explained(Struct, frozen=True):
    """An item of the practice pool with its key."""

    content: CandidateItem
    stages: tuple[ExplainedStage, ...]
    explanation: str
    sources: tuple[str, ...]
    requirement: str
    """Code of the professional requirement."""
    requirement_title: str

    @property
    def assets(self) -> tuple[AssetId, ...]:
        """The pictures of the item and of its explanation."""
        more = find_assets(self.explanation) if self.content.markup == "html" else ()
        return tuple(dict.fromkeys(self.content.assets + more))
