"""Commands of the bank: `bank import FILE`, `bank export --format F`.

Exit codes: 0 done; 1 it could not be done, and nothing was; 3 done, but items of the file were rejected; 130 stopped.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.console import clear_errors, fail, out
from app.embedded import database_url
from app.migrate import check_schema
from core.access import find_person
from core.blobs import Blobs
from core.clock import SystemClock
from core.database import Database
from core.errors import NotFound
from core.ids import ItemId, PersonId
from core.keys import Keys
from core.moments import SECOND
from core.settings import Settings
from question_bank.drafts import Defaults
from question_bank.exchange.formats import FORMATS, named_format
from question_bank.exporting import Export, Selection, count_items, export_items
from question_bank.forms import ItemPool, Language, Level
from question_bank.import_store import all_lines
from question_bank.importing import Incoming, carry_out_import, plan_import
from question_bank.imports import FATES, Batch, Counts, Fate, Wishes
from question_bank.workflow import State

REJECTED, STOPPED = 3, 130
SHOWN_LINES = 20
"""Lines of a report that are shown; all of them are in --report."""

bank = typer.Typer(no_args_is_help=True, help="Банк заданий: загрузка и выгрузка.")
Result = TypeVar("Result")

_COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
_IN = ", ".join(one.name for one in FORMATS)
_OUT = ", ".join(one.name for one in FORMATS if one.write is not None)
_HAPPENED: dict[Fate, tuple[str, str]] = {
    "new": ("принято черновиком", "будет принято черновиком"),
    "changed": ("принято новой версией", "будет принято новой версией"),
    "unchanged": ("не изменилось", "не изменится"),
    "duplicate": ("пропущено: такое уже есть", "будет пропущено: такое уже есть"),
    "rejected": ("отклонено, исходный текст сохранён в отчёте", "будет отклонено"),
}


@bank.command("import")
def bring_in(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Файл с заданиями.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Только проверить: в банк ничего не попадёт.")] = False,
    report: Annotated[Path | None, typer.Option(help="Куда записать отчёт (JSON), строка на каждое замечание.")] = None,
    format: Annotated[str, typer.Option(help=f"Формат, если его не понять по файлу: {_IN}.")] = "",
    speciality: Annotated[str, typer.Option(help="Специальность для заданий, которые её не называют.")] = "",
    requirement: Annotated[str, typer.Option(help="Требование для заданий, которые его не называют.")] = "",
    level: Annotated[Level, typer.Option(help="Уровень, если не назван.")] = "application",
    difficulty: Annotated[float, typer.Option(help="Трудность, если не названа.", min=0.01, max=0.99)] = 0.7,
    limit: Annotated[int, typer.Option(help="Время на задание в секундах, если не названо.", min=5, max=3_600)] = 60,
    language: Annotated[Language, typer.Option(help="Язык, если не назван.")] = "ru",
    pool: Annotated[ItemPool, typer.Option(help="Для экзамена или для тренировки, если не сказано.")] = "exam",
    unknown_requirement: Annotated[
        Literal["reject", "default"],
        typer.Option(help="Что делать с заданием, требования которого нет: отклонить или отнести к --requirement."),
    ] = "reject",
    by: Annotated[str, typer.Option(help="Логин сотрудника, от чьего имени загрузить.")] = "",
) -> None:
    """Загрузить задания из файла: все черновиками в одной транзакции, с отчётом."""
    defaults = Defaults(speciality, requirement, level, difficulty, limit * SECOND, language, pool)
    wishes = Wishes(defaults, format, unknown_requirement)
    settings = Settings()
    with clear_errors():
        keys = Keys.open(settings)
        with database_url(settings) as url:
            blobs = None if dry_run else _blobs(settings, keys)
            batch = asyncio.run(_bring_in(url, blobs, Incoming(file, file.name), wishes, by, report))
    _show(batch)
    if batch.state == "cancelled":
        raise typer.Exit(STOPPED)
    if batch.state != "done":
        fail(batch.reason)
    if batch.counts.rejected:
        raise typer.Exit(REJECTED)


@bank.command("export")
def take_out(
    format: Annotated[str, typer.Option(help=f"Формат: {_OUT}.")],
    to: Annotated[Path | None, typer.Option(help="Куда записать; иначе bank с окончанием формата.")] = None,
    speciality: Annotated[str, typer.Option(help="Только этой специальности.")] = "",
    requirement: Annotated[str, typer.Option(help="Только к этому требованию.")] = "",
    state: Annotated[State | None, typer.Option(help="Только версии в этом состоянии.")] = None,
    pool: Annotated[ItemPool | None, typer.Option(help="Только для экзамена или для тренировки.")] = None,
    items: Annotated[list[str] | None, typer.Option("--item", help="Только эти задания.")] = None,
) -> None:
    """Выгрузить задания в файл."""
    settings = Settings()
    with clear_errors():
        chosen = named_format(format)
        target = to or Path(f"bank{chosen.suffixes[0]}")
        if to is None and target.exists():
            fail(f"Файл {target} уже есть. Назовите другой: --to ФАЙЛ.")
        selection = Selection(speciality, requirement, state, pool, tuple(map(ItemId, items or ())))
        blobs = _blobs(settings, Keys.open(settings))
        with database_url(settings) as url:
            done = asyncio.run(_take_out(url, blobs, selection, chosen.name, target))
    if done is None:
        out.print("Остановлено, файл не записан.")
        raise typer.Exit(STOPPED)
    for one in done.told[:SHOWN_LINES]:
        for remark in one.remarks:
            out.print(f"{one.item}: {remark.sentence}", markup=False, soft_wrap=True)
    out.print(f"Записано заданий: {done.written}, не вошло: {done.left_out}. Файл: {target}", markup=False)
    if done.left_out:
        raise typer.Exit(REJECTED)


async def _bring_in(
    url: str, blobs: Blobs | None, file: Incoming, wishes: Wishes, login: str, report: Path | None
) -> Batch:
    await check_schema(url)
    database, clock = Database(url, pool_size=3), SystemClock()
    try:
        who = await _person(database, login) if login else None
        with Progress(*_COLUMNS, console=out, transient=True) as bar:
            task = bar.add_task("Проверка" if blobs is None else "Загрузка", total=None)

            def told(counts: Counts) -> None:
                bar.update(task, completed=counts.read)

            async def work(stop: asyncio.Event) -> Batch:
                if blobs is None:
                    return await plan_import(database, file, wishes, who, clock, told, stop)
                return await carry_out_import(database, blobs, file, wishes, who, clock, told, stop)

            batch = await _stoppable(work)
        await _report(database, batch, report)
    finally:
        await database.close()
    return batch


async def _take_out(url: str, blobs: Blobs, selection: Selection, format: str, target: Path) -> Export | None:
    await check_schema(url)
    database, part = Database(url, pool_size=3), target.with_name(f"{target.name}.part")
    try:
        async with database.transaction() as connection:
            total = await count_items(connection, selection)
        with Progress(*_COLUMNS, console=out, transient=True) as bar, part.open("wb") as file:
            task = bar.add_task("Выгрузка", total=total)

            async def work(stop: asyncio.Event) -> Export | None:
                def told(done: int) -> None:
                    bar.update(task, completed=done)

                return await export_items(database, blobs, selection, named_format(format), file, told, stop)

            done = await _stoppable(work)
        if done is not None:
            part.replace(target)
        return done
    finally:
        part.unlink(missing_ok=True)
        await database.close()


async def _stoppable(work: Callable[[asyncio.Event], Awaitable[Result]]) -> Result:
    """Ctrl+C has it stop where it can; a second one at once."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def once() -> None:
        stop.set()
        loop.remove_signal_handler(signal.SIGINT)

    loop.add_signal_handler(signal.SIGINT, once)
    try:
        return await work(stop)
    finally:
        loop.remove_signal_handler(signal.SIGINT)


async def _person(database: Database, login: str) -> PersonId:
    async with database.transaction() as connection:
        who = await find_person(connection, login)
    if who is None:
        raise NotFound("unknown_person", f"Учётной записи {login} нет. Проверьте логин.")
    return who.id


async def _report(database: Database, batch: Batch, file: Path | None) -> None:
    """The report as JSON, written line by line; the first lines are shown where there is no file for it."""
    shown = 0
    async with database.transaction() as connection:
        if file is None:
            async for line in all_lines(connection, batch.id):
                if shown == SHOWN_LINES:
                    out.print("… Все замечания запишет --report ФАЙЛ.json.")
                    break
                shown += 1
                place = line.place.member or (f"строка {line.place.line}" if line.place.line else "")
                out.print(f"№ {line.place.number} {place}: {line.sentence}", markup=False, soft_wrap=True)
            return
        with file.open("wb") as target:
            counts = msgspec.to_builtins(batch.counts)
            head = {
                "file": batch.file_name, "format": batch.format, "dry_run": batch.dry, "state": batch.state,
                "reason": batch.reason, "counts": counts,
            }  # fmt: skip
            target.write(msgspec.json.encode(head)[:-1] + b',"lines":[')
            async for line in all_lines(connection, batch.id):
                told = {
                    "place": msgspec.to_builtins(line.place), "identifier": line.identifier, "item": line.item,
                    "weight": line.weight, "code": line.code, "reason": line.sentence, "fate": line.fate,
                    "what_happens": _HAPPENED[line.fate][batch.dry],
                }  # fmt: skip
                target.write((b",\n" if shown else b"\n") + msgspec.json.encode(told))
                shown += 1
            target.write(b"]}\n")


def _show(batch: Batch) -> None:
    counts = batch.counts
    table = Table("Что с заданиями", "Сколько", box=None, pad_edge=False)
    table.add_row("прочитано", str(counts.read))
    for fate in FATES:
        if number := getattr(counts, fate):
            table.add_row(_HAPPENED[fate][batch.dry], str(number))
    for code, number in counts.reasons.items():
        table.add_row(f"  {escape(code)}", str(number))
    out.print(table)
    if batch.reason:
        out.print(batch.reason, markup=False, soft_wrap=True)


def _blobs(settings: Settings, keys: Keys) -> Blobs:
    if settings.blobs_url:
        return Blobs.at(settings.blobs_url, keys.masters)
    return Blobs.in_folder(settings.blobs_dir, keys.masters)
