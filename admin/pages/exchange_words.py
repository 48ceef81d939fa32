"""How the pages of files word what becomes of items."""

BATCH_WORDS = {
    "running": "Идёт",
    "done": "Закончено",
    "failed": "Не удалось",
    "cancelled": "Отменено",
    "interrupted": "Прервано",
}
BATCH_TONES = {"running": "info", "done": "ok", "failed": "danger", "cancelled": "neutral", "interrupted": "warn"}
DRY_FATES = {
    "new": "Станут новыми черновиками",
    "changed": "Станут новыми версиями",
    "unchanged": "Уже есть и не изменятся",
    "duplicate": "Повторы, будут пропущены",
    "rejected": "Будут отклонены",
}
KEPT_FATES = {
    "new": "Стали новыми черновиками",
    "changed": "Стали новыми версиями",
    "unchanged": "Уже были и не изменились",
    "duplicate": "Повторы, пропущены",
    "rejected": "Отклонены",
}
DRY_FATE = {
    "new": "будет черновиком",
    "changed": "будет новой версией",
    "unchanged": "не изменится",
    "duplicate": "будет пропущено",
    "rejected": "будет отклонено",
}
KEPT_FATE = {
    "new": "принято черновиком",
    "changed": "принято новой версией",
    "unchanged": "не изменилось",
    "duplicate": "пропущено",
    "rejected": "отклонено",
}
WEIGHT_WORDS = {
    "rejection": "Отклонено",
    "fault": "Исправить до проверки",
    "loss": "Не перенесено",
    "note": "К сведению",
}
WEIGHT_TONES = {"rejection": "danger", "fault": "warn", "loss": "warn", "note": "neutral"}
