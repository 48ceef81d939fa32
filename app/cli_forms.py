"""Forms at the command line: proved, and built ahead."""

import asyncio
import json
from typing import Annotated

import typer
from rich.console import Console

from app.embedded import database_url
from app.form_verification import Proof, prove_forms
from core.errors import AccreditationError
from core.ids import SittingId
from core.settings import Settings
from exam_server.chain import BrokenChain

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
