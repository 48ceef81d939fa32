import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.errors import AccreditationError
from proctoring.inspection import Inspector
from proctoring.models import Models
from proctoring.workers import Workers


@pytest.fixture
async def workers(models: Models) -> AsyncIterator[Workers]:
    some = Workers(models, 2)
    await some.start()
    yield some
    await some.stop()


async def test_a_question_is_answered_on_another_thread(workers: Workers) -> None:
    def where(inspector: Inspector) -> tuple[str, bool]:
        return threading.current_thread().name, isinstance(inspector, Inspector)

    name, has_detectors = await workers.ask(where)
    assert name.startswith("frames-")
    assert has_detectors


async def test_every_thread_has_detectors_of_its_own(workers: Workers) -> None:
    both = threading.Barrier(2, timeout=10)
    seen: dict[str, int] = {}

    def note(inspector: Inspector) -> None:
        both.wait()
        seen[threading.current_thread().name] = id(inspector)

    workers.give(note)
    workers.give(note)
    await workers.stop()
    assert len(seen) == len(set(seen.values())) == 2


async def test_what_goes_wrong_reaches_whoever_asked_and_nobody_else(workers: Workers) -> None:
    def fail(_: Inspector) -> None:
        raise AccreditationError("broken", "Сломано")

    for _ in range(3):
        workers.give(fail)
    with pytest.raises(AccreditationError, match="broken"):
        await workers.ask(fail)
    assert await workers.ask(lambda _: 7) == 7


async def test_nobody_is_kept_waiting_by_a_stopped_crew(workers: Workers) -> None:
    await workers.stop()
    with pytest.raises(AccreditationError, match="frames_stopped"):
        await workers.ask(lambda _: 7)


async def test_missing_models_are_told_at_the_start(models: Models) -> None:
    missing = Workers(Models(Path("nowhere.onnx"), models.recognizer), 2)
    with pytest.raises(Exception, match="nowhere"):
        await missing.start()
    await missing.stop()
