"""`ppl summary`, and how runs show what they found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ppl.cli.edge import print_json
from ppl.cli.shared import json_option, summary_rows
from ppl.errors import Diagnostic, Exit, PplError

if TYPE_CHECKING:
    from ppl.results.diagnosis import Diagnosis
    from ppl.results.summary import Summary


@click.command()
@click.argument("file", metavar="FILE")
@click.option("--var", "variables", multiple=True, metavar="NAME", help="Only this quantity; may be repeated.")
@click.option("--all", "everything", is_flag=True, help="Show every element of large arrays.")
@json_option
def summary(file: str, variables: tuple[str, ...], everything: bool, as_json: bool) -> int:
    """Summarise and diagnose a file of draws.

    For each quantity: mean, standard deviation, quantiles, effective numbers of draws, R-hat. Then, in words, whether
    the draws can be trusted, and what to do if not. Exits with 1 if they cannot. Of what `ppl prior` and `ppl predict`
    leave, it shows what is there, and judges nothing.

    \b
    Examples:
        ppl summary eight_schools.nc
        ppl summary eight_schools.nc --var mu --var tau
        ppl summary eight_schools.nc --json
    """
    from ppl.results.judge import judge, nothing_to_judge, summarise_groups
    from ppl.results.storage import read
    from ppl.results.wording import on_command_line

    groups, attrs = read(Path(file))
    reason = nothing_to_judge(groups, attrs)
    verdict: Diagnosis | str
    if reason is None:
        whole, verdict = judge(groups, attrs, say=on_command_line)
    else:
        whole, verdict = summarise_groups(groups), reason
    if variables:
        check_names(variables, list(dict.fromkeys(whole.variables)), file)
        whole = summarise_groups(groups, variables)
    if as_json:
        print_json(to_json(whole, verdict))
    else:
        show(whole, verdict, everything)
    return int(Exit.OK if isinstance(verdict, str) or verdict.trusted else Exit.UNTRUSTED)


def check_names(wanted: Sequence[str], known: Sequence[str], file: str) -> None:
    """Refuses names that a file of draws does not have.

    Raises:
        PplError: one error for each such name (E608).
    """
    import difflib

    errors = []
    for name in wanted:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean `{close[0]}`?" if close else f"it has {', '.join(known)}"
            errors.append(Diagnostic("E608", f"{file} has no quantity `{name}`", hints=(hint,)))
    if errors:
        raise PplError(errors, exit_code=Exit.USAGE)


def show(summary: Summary, verdict: Diagnosis | str, everything: bool = False) -> None:
    """The table and the diagnosis, or why there is none, on stdout; large arrays cut short unless `everything` is
    wanted."""
    from ppl.results.summary import table

    click.echo(table(summary, None if everything else 8, convergence=not isinstance(verdict, str)))
    click.echo()
    click.echo(verdict if isinstance(verdict, str) else verdict.text())


def show_run(
    summary: Summary,
    diagnosis: Diagnosis,
    place: Path,
    asked: Path,
    problem: str | None,
    stopped: str | None,
    as_json: bool,
    more: Mapping[str, Any],
) -> None:
    """What a run found, and where it is: in `place`, which is not what was asked for if there was a problem. stopped:
    why it ended early, if it did. more: entries of its own in JSON."""
    if as_json:
        print_json({"output": str(place), "stopped": stopped, **more, **to_json(summary, diagnosis)})
    else:
        show(summary, diagnosis)
        click.echo(f"\nDraws: {place}")
    if problem is not None:
        click.echo(f"warning: {asked} was not written ({problem}); the draws are in {place}", err=True)
    if stopped:
        click.echo(f"{stopped}: the file holds the draws so far", err=True)


def to_json(summary: Summary, verdict: Diagnosis | str) -> dict[str, Any]:
    """A row of statistics for each scalar, and the findings; null in their place where nothing is judged."""
    if isinstance(verdict, str):
        return {"summary": summary_rows(summary), "diagnosis": None}
    return {
        "summary": [{"name": name, **summary.row(i)} for i, name in enumerate(summary.names)],
        "diagnosis": verdict.to_json(),
    }
