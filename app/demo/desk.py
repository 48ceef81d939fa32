"""What the demo's methodologists are at: an item in review, a draft that was commented on, a mended version."""

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from core.ids import ItemId, PersonId
from core.moments import HOUR, MINUTE, Moment
from question_bank.drafts import Draft, DraftChoice, DraftStage, draft_of
from question_bank.items import Role
from question_bank.store import current_version, load_items
from question_bank.version_store import comment_on, move_version, next_item_id, rate, save_version
from question_bank.workflow import Actor

MENDED = ItemId("ld-001")

IN_REVIEW = Draft(
    stem="Пациент 54 лет жалуется на давящую боль за грудиной, которая длится 40 минут. На ЭКГ подъём сегмента ST "
    "в отведениях II, III, aVF. Какое исследование обязательно выполняют дополнительно?",
    stages=(
        DraftStage(
            (
                DraftChoice("ЭКГ в правых грудных отведениях", Role.KEY),
                DraftChoice("Суточное мониторирование ЭКГ", Role.DISTRACTOR),
                DraftChoice("Пробу с физической нагрузкой", Role.DISTRACTOR),
                DraftChoice("Рентгенографию органов грудной клетки", Role.DISTRACTOR),
            )
        ),
    ),
    explanation="При нижнем инфаркте правые отведения показывают, поражён ли правый желудочек.",
    sources=("Клинические рекомендации «Острый инфаркт миокарда с подъёмом сегмента ST», раздел 2.4",),
    speciality="31.05.01",
    requirement="ЛД-01",
    level="application",
    difficulty=0.62,
    limit=90_000,
    tags=("кардиология", "ЭКГ"),
    language="ru",
    pool="exam",
)
COMMENTED = replace(
    IN_REVIEW,
    stem="Какой препарат вводят первым при анафилактическом шоке?",
    stages=(
        DraftStage(
            (
                DraftChoice("Эпинефрин внутримышечно", Role.KEY),
                DraftChoice("Преднизолон внутривенно", Role.DISTRACTOR),
                DraftChoice("Хлоропирамин внутримышечно", Role.DISTRACTOR),
            )
        ),
    ),
    explanation="",
    sources=(),
    level="recall",
    difficulty=0.8,
    limit=60_000,
    tags=("неотложная помощь",),
)


async def fill_desk(connection: AsyncConnection, author: PersonId, reviewer: PersonId, now: Moment) -> None:
    """The author has sent one item to review, left another as a draft, and mended one that is in force."""
    writing, begun = Actor(author, may_edit=True, may_approve=True), now - 3 * HOUR
    sent = await next_item_id(connection)
    await save_version(connection, sent, 0, IN_REVIEW, author, begun)
    await move_version(connection, sent, 1, "send", writing, begun + 5 * MINUTE)
    await comment_on(
        connection, sent, 1, "Уточните, что боль не снимается нитроглицерином.", reviewer, now - HOUR, "stem"
    )
    await rate(connection, sent, 1, reviewer, 55, now - HOUR)
    draft = await next_item_id(connection)
    await save_version(connection, draft, 0, COMMENTED, author, begun + 20 * MINUTE)
    await comment_on(
        connection,
        draft,
        1,
        "Нужен четвёртый вариант, например «Дексаметазон».",
        reviewer,
        now - HOUR,
        "stages.0.choices",
    )
    current = await current_version(connection, MENDED)
    item = (await load_items(connection, [(MENDED, current)]))[MENDED, current]
    mended = replace(draft_of(item), difficulty=0.55, tags=("пересмотрено",))
    await save_version(connection, MENDED, current, mended, reviewer, now, "Доля верных ответов завышена.")
