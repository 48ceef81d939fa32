"""Forms at the command line: proved, and built ahead."""

import asyncio
import json
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.embedded import database_url
from app.form_verification import Proof, prove_forms
from core.clock import SystemClock
from core.database import Database
from core.errors import AccreditationError
from core.ids import BlueprintId, SittingId
from core.moments import SECOND
from core.settings import Settings
from exam_server.chain import BrokenChain
from question_bank.fixed_form_store import Build, load_build
from question_bank.fixed_forms import LONGEST, MOST_FORMS, Order
from question_bank.fixed_forms import Progress as Search
from question_bank.form_builds import FormBuilds

forms = typer.Typer(no_args_is_help=True, help="Наборы заданий.")
out = Console()

_VERDICTS = {
    "same": "[green]совпадает[/green]: из начального числа получается тот же набор",
    "different": "[red]не совпадает[/red]: из начального числа получается другой набор",
    "old": "[yellow]не проверен[/yellow]: набор составил прежний выпуск программы, только он составит его снова",
}


@forms.command("prove")
def prove_form(sitting: Annotated[int, typer.Argument(help="Номер тестирования.")]) -> None:
    """Составить набор тестирования заново из начального числа и снимка пула и сравнить с выданным."""
    try:
        with database_url(Settings()) as url:
            proofs = asyncio.run(prove_forms(url, SittingId(sitting)))
    except BrokenChain as error:
        _fail(f"Журнал тестирования {sitting} повреждён: {error}")
    except AccreditationError as error:
        _fail(f"{error.message} ({error.code})")
    for number, proof in enumerate(proofs, 1):
        if len(proofs) > 1:
            out.print(f"Набор {number} из {len(proofs)}" + (", выданный последним" if number == len(proofs) else ""))
        _tell(proof)
    verdicts = [proof.verdict for proof in proofs]
    print(json.dumps({"sitting": sitting, "forms": len(proofs), "verdicts": verdicts}))
    raise typer.Exit(1 if "different" in verdicts else 0)


@forms.command("build")
def build_forms(
    blueprint: Annotated[str, typer.Argument(help="Спецификация.")],
    count: Annotated[int, typer.Option(help="Сколько параллельных наборов.", min=1, max=MOST_FORMS)] = 2,
    time_limit: Annotated[int, typer.Option(help="Сколько секунд искать.", min=1, max=LONGEST // SECOND)] = 60,
    overlap: Annotated[int, typer.Option(help="Сколько общих заданий допустимо у двух наборов.", min=0)] = 0,
    seed: Annotated[int, typer.Option(help="Начальное число выборки.")] = 1,
) -> None:
    """Подобрать готовые наборы равной трудности и сохранить их. Ctrl+C останавливает подбор."""
    order = Order(count, overlap, time_limit * SECOND, seed)
    try:
        with database_url(Settings()) as url:
            build = asyncio.run(_build(url, BlueprintId(blueprint), order))
    except KeyboardInterrupt:
        _fail("Подбор остановлен.")
    except AccreditationError as error:
        _fail(f"{error.message} ({error.code})")
    assert build.report is not None
    assert build.deviation is not None
    table = Table("Набор", "Ожидаемый балл", "из", "Информация", "Ошибка измерения", box=None, pad_edge=False)
    for figures in build.report.forms:
        table.add_row(
            figures.digest[:12],
            f"{figures.expected:.3f}",
            str(figures.points),
            f"{figures.information:.3f}",
            f"{figures.standard_error:.3f}",
        )
    out.print(table)
    shared = [build.report.shared[one][other] for one in range(count) for other in range(one)]
    print(
        json.dumps(
            {
                "build": build.id,
                "forms": list(build.forms),
                "deviation": round(build.deviation, 4),
                "ending": build.ending,
                "sample": build.sample,
                "most_shared": max(shared, default=0),
                "largest_score_gap": round(build.report.largest_score_gap, 4),
            }
        )
    )


async def _build(url: str, blueprint: BlueprintId, order: Order) -> Build:
    database = Database(url)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[found]}"))
    try:
        with Progress(*columns, console=out) as bar:
            task = bar.add_task("Подбор наборов", total=order.time_limit / SECOND, found="")

            def tell(progress: Search) -> None:
                found = "" if progress.deviation is None else f"отклонение {progress.deviation:.3f} допуска"
                bar.update(task, completed=progress.seconds, found=found)

            number = await FormBuilds(database, SystemClock()).run(blueprint, order, None, tell)
        async with database.transaction() as connection:
            return await load_build(connection, number)
    finally:
        await database.close()


def _tell(proof: Proof) -> None:
    form = proof.form
    out.print(f"  спецификация: {form.blueprint}, версия {form.blueprint_version}", highlight=False)
    out.print(f"  алгоритм: {form.algorithm}, начальное число: {form.seed}", highlight=False)
    out.print(f"  снимок: {form.snapshot}" + (f", заданий в нём: {proof.pool}" if proof.pool else ""), highlight=False)
    scored = sum(1 for entry in form.entries if entry.weight)
    choices = sum(len(stage.choices) for entry in form.entries for stage in entry.stages)
    out.print(
        f"  сравнено: заданий {len(form.entries)} (оцениваются {scored}), их версии, время, порядок и вес, "
        f"порядок {choices} вариантов",
        highlight=False,
    )
    out.print(f"  {_VERDICTS[proof.verdict]}", highlight=False)


def _fail(message: str) -> None:
    out.print(message, style="red", markup=False)
    raise typer.Exit(1)
