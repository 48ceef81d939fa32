"""The command line: `python -m app.cli` or `accreditation`."""

import asyncio
import shutil
import socket
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app import accounts, protocol_document, verification
from app import candidate as candidates
from app.asgi import build
from app.cli_bank import bank
from app.cli_forms import forms
from app.console import clear_errors, fail, out
from app.demo import seed, simulation
from app.demo.people import CANDIDATES, PASSWORD, STAFF
from app.embedded import database_url, embedded_postgres
from app.migrate import check_durability, check_schema, migrate
from app.serving import serve as serve_alone
from app.supervisor import reserve, supervise
from core.access import Role
from core.blobs import Blobs
from core.clock import SystemClock
from core.database import Database
from core.ids import SittingId
from core.keys import Keys
from core.settings import Settings
from exam_server.event_log import EventLog
from exam_server.source import DatabaseSource
from proctoring.models import find_models

HISTORY = 160
"""Finished sittings that a new demo begins with."""

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Экзаменационная платформа аккредитации.")
sittings = typer.Typer(no_args_is_help=True, help="Проведённые тестирования.")
app.add_typer(sittings, name="sitting")
staff = typer.Typer(no_args_is_help=True, help="Учётные записи сотрудников.")
app.add_typer(staff, name="staff")
app.add_typer(forms, name="form")
app.add_typer(bank, name="bank")


@app.command()
def run(
    history: Annotated[int, typer.Option(help="Сколько тестирований смоделировать на новой базе.")] = HISTORY,
) -> None:
    """Запустить всё: базу, миграции, демонстрационные данные, сервер."""
    settings = Settings()
    if not _port_is_free(settings):
        fail(f"Порт {settings.port} занят. Остановите другую программу или задайте PORT.")
    with clear_errors():
        keys = Keys.open(settings)
        models = find_models(settings.proctoring_models, settings.data_dir / "models")
        with database_url(settings) as url:
            blobs = Blobs.in_folder(settings.blobs_dir, keys.masters)
            asyncio.run(_prepare(url, keys, blobs, history))
            application = build(settings, url, keys, models, demo_people=(*CANDIDATES, *STAFF))
            _introduce(settings)
            serve_alone(application, settings.host, settings.port, settings.trusted_proxies)


@app.command()
def serve(
    workers: Annotated[int, typer.Option(help="Сколько рабочих процессов.", min=1, max=64)] = 1,
    migrating: Annotated[bool, typer.Option("--migrate", help="Сначала обновить схему базы данных.")] = False,
) -> None:
    """Запустить узел для работы: без демонстрационных данных, с несколькими процессами на одном порту."""
    settings = Settings()
    with clear_errors():
        Keys.open(settings)
        find_models(settings.proctoring_models, settings.data_dir / "models")
        with database_url(settings) as url:
            asyncio.run(_make_ready(url, migrating))
            with reserve(settings.host, settings.port):
                _introduce_node(settings, url, workers, staffed=asyncio.run(accounts.has_staff(url)))
                code = supervise(workers, url)
    raise typer.Exit(code)


@app.command("migrate")
def update_schema() -> None:
    """Обновить схему базы данных до этой версии программы."""
    settings = Settings()
    with clear_errors(), database_url(settings) as url:
        asyncio.run(migrate(url))
    out.print("Схема базы данных соответствует этой версии.")


@app.command()
def reset() -> None:
    """Стереть все данные этой установки: базу, файлы, ключи. Модели лиц остаются."""
    settings = Settings()
    with clear_errors():
        if settings.database_url:
            fail("База задана через DATABASE_URL: её эта команда не стирает.")
        embedded_postgres(settings).erase()
        for folder in (settings.blobs_dir, settings.keys_dir):
            shutil.rmtree(folder, ignore_errors=True)
    out.print("Данные стёрты. `make run` начнёт заново.")


@app.command()
def simulate(
    count: Annotated[int, typer.Argument(help="Сколько тестирований провести.", min=1, max=5_000)] = HISTORY,
    start: Annotated[int, typer.Option(help="Начало последовательности случайных чисел.")] = 1,
) -> None:
    """Провести смоделированные тестирования через настоящий механизм."""
    settings = Settings()
    with clear_errors():
        keys = Keys.open(settings)
        with database_url(settings) as url:
            asyncio.run(_simulate(url, keys, count, start))


@app.command()
def candidate(
    count: Annotated[int, typer.Option("--sittings", help="Сколько экзаменов пройти.", min=1, max=500)] = 1,
    url: Annotated[str, typer.Option(help="Адрес сервера; пусто — из настроек.")] = "",
    at_once: Annotated[int, typer.Option(help="Сколько кандидатов одновременно.", min=1, max=200)] = 10,
    face: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="JPEG с лицом: биометрия и кадры вместо проверки паспорта."),
    ] = None,
    skill: Annotated[
        float, typer.Option(help="Доля заданий, на которые ответить, остальные пропустить.", min=0, max=1)
    ] = 1.0,
    logins: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Файл «логин пароль» по строке вместо новых кандидатов."),
    ] = None,
) -> None:
    """Пройти экзамен без браузера, по открытым интерфейсам HTTP и WebSocket."""
    settings = Settings()
    with clear_errors():
        people = _read_logins(logins, count) if logins else _fresh_candidates(settings, count)
        jpeg = face.read_bytes() if face else None
        report = asyncio.run(
            candidates.take_exams(url or settings.address, people, at_once=at_once, face=jpeg, share=skill, out=out)
        )
    print(report)


@app.command()
def protocol(
    folder: Annotated[Path, typer.Argument(help="Куда записать схему.")] = Path("docs"),
) -> None:
    """Записать JSON Schema протокола браузера, полученную из типов."""
    out.print(f"Записано: {protocol_document.write(folder)}")


@sittings.command("verify")
def verify_sittings(
    numbers: Annotated[list[int] | None, typer.Argument(help="Номера тестирований.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Все тестирования.")] = False,
) -> None:
    """Проверить цепочки журналов и то, что результаты следуют из них."""
    if not numbers and not everything:
        fail("Назовите номера тестирований или --all.")
    settings = Settings()
    with clear_errors(), database_url(settings) as url:
        chosen = None if everything else [SittingId(number) for number in numbers or []]
        report = asyncio.run(verification.verify(url, chosen))
    for line in report.faults:
        out.print(f"[red]{line}[/red]")
    print(report.as_json())
    raise typer.Exit(1 if report.faults else 0)


@staff.command("add")
def add_staff(
    login: Annotated[str, typer.Argument(help="Логин.")],
    name: Annotated[str, typer.Option(help="Фамилия Имя Отчество.")],
    roles: Annotated[list[Role], typer.Option("--role", help="Роль; можно назвать несколько раз.")],
) -> None:
    """Завести сотрудника и показать его пароль. Первым заводят администратора: --role operator."""
    settings = Settings()
    with clear_errors(), database_url(settings) as url:
        password = asyncio.run(accounts.add_staff(url, SystemClock(), login, roles, name, settings.zone))
    _show_password(settings, login, password)


@staff.command("password")
def renew_password(login: Annotated[str, typer.Argument(help="Логин.")]) -> None:
    """Заменить забытый пароль новым и показать его. Открытые входы этого человека закроются."""
    settings = Settings()
    with clear_errors(), database_url(settings) as url:
        password = asyncio.run(accounts.renew_password(url, SystemClock(), login))
    _show_password(settings, login, password)


def main() -> None:
    app()


async def _make_ready(url: str, migrating: bool) -> None:
    if migrating:
        await migrate(url)
    await check_schema(url)
    await check_durability(url)


async def _prepare(url: str, keys: Keys, blobs: Blobs, history: int) -> None:
    await migrate(url)
    await check_durability(url)
    database, clock = Database(url), SystemClock()
    try:
        async with database.transaction() as connection:
            fresh = not await seed.is_seeded(connection)
        if fresh:
            out.print("Новая база: заполняю демонстрационными данными.")
            await seed.seed(database, clock, blobs)
        await seed.keep_windows_open(database, clock)
    finally:
        await database.close()
    if fresh and history:
        await _simulate(url, keys, history, 1)


async def _simulate(url: str, keys: Keys, count: int, start: int) -> None:
    database, log = Database(url, pool_size=simulation.AT_ONCE), EventLog(url)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        await log.start()
        with Progress(*columns, console=out) as bar:
            task = bar.add_task("Тестирования", total=count)
            run = simulation.Simulation(database, log, DatabaseSource(database), start)
            now = SystemClock().now()
            await run.run(now, count, lambda done: bar.update(task, completed=done))
        await simulation.sign_some_protocols(database, keys.platform, now)
    finally:
        await log.close()
        await database.close()


def _fresh_candidates(settings: Settings, count: int) -> list[tuple[str, str]]:
    async def add(url: str) -> list[tuple[str, str]]:
        database = Database(url)
        try:
            made = await seed.add_candidates(database, SystemClock(), count)
        finally:
            await database.close()
        return [(person.login, person.password) for person in made]

    with database_url(settings) as url:
        return asyncio.run(add(url))


def _read_logins(file: Path, count: int) -> list[tuple[str, str]]:
    pairs = [line.split(maxsplit=1) for line in file.read_text().splitlines() if line.strip()]
    if any(len(pair) != 2 for pair in pairs) or len(pairs) < count:
        fail(f"В файле нужно не меньше {count} строк вида «логин пароль».")
    return [(login, password) for login, password in pairs[:count]]


def _introduce(settings: Settings) -> None:
    table = Table("Кто", "Логин", "Пароль", box=None, pad_edge=False)
    for person in (*CANDIDATES, *STAFF):
        table.add_row(f"{person.title}: {person.family_name} {person.given_name}", person.login, PASSWORD)
    out.print(f"\nСервер: [bold]{settings.address}[/bold]   (остановить: Ctrl+C)\n")
    out.print(table)


def _introduce_node(settings: Settings, url: str, workers: int, *, staffed: bool) -> None:
    where = urlsplit(url)
    database = (
        "встроенная"
        if settings.database_url is None
        else f"{where.hostname or 'localhost'}:{where.port or 5432}{where.path}"
    )
    out.print(
        f"Узел: [bold]{settings.address}[/bold], процессов: {workers}, база данных: {escape(database)}, "
        f"данные: {escape(str(settings.data_dir.resolve()))}   (остановить: Ctrl+C)",
        soft_wrap=True,
    )
    local = f"http://{settings.host}:{settings.port}"
    out.print(
        f"Готов, когда {local}/ready отвечает 200; пока нет, там и в журнале ниже сказано почему.", soft_wrap=True
    )
    if not staffed:
        out.print(
            "Администратора ещё нет: accreditation staff add ЛОГИН --name ФАМИЛИЯ --role operator", soft_wrap=True
        )


def _show_password(settings: Settings, login: str, password: str) -> None:
    print(f"{login}: {password}")
    out.print(f"Пароль показан один раз и нигде не хранится. Вход: {settings.address}/login", soft_wrap=True)
    out.print("После первого входа его попросят сменить.")


def _port_is_free(settings: Settings) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError:
            return False
        return True


if __name__ == "__main__":
    main()
