"""The commands that need no study: loose images, anybody's table."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .cli_shell import ALL_DONE, finish, run_options
from .compare_choices import Choices, Columns

MEASURE_SETTINGS: dict[str, Any] = {
    "context_settings": {
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    },
    "options_metavar": "METHOD IMAGES… --out DIR [OPTIONS]",
}
"""Its options are those of the method's model, which `parse_arguments` knows."""


def measure(context: typer.Context) -> int:
    """Measure loose images or folders with one method: nodules, fluorescence, dab or blot."""
    from .loose import measure_loose
    from .loose_request import parse_arguments

    request = parse_arguments(context.args)
    options = run_options(
        request.jobs, request.quiet, fresh=request.fresh, time_limit_s=request.time_limit or None
    )
    return finish(measure_loose(request, options), request.quiet)


def compare(
    table: Annotated[
        Path, typer.Argument(help="A CSV, XLSX or Parquet table.", show_default=False)
    ],
    value: Annotated[str, typer.Option(help="The column of values.")],
    group: Annotated[str, typer.Option(help="The column of groups.")],
    unit: Annotated[
        str | None, typer.Option(help="The column of the experimental unit, such as the animal.")
    ] = None,
    reference: Annotated[str | None, typer.Option(help="The group to compare with.")] = None,
    test: Annotated[list[str] | None, typer.Option(help="A test to run; may be repeated.")] = None,
    alpha: Annotated[
        float, typer.Option(min=0.0001, max=0.5, help="Level of significance.")
    ] = Choices.alpha,
    aggregate: Annotated[
        bool, typer.Option("--aggregate", help="Average a unit's rows first, where it has several.")
    ] = False,
    rows_are_units: Annotated[
        bool, typer.Option("--rows-are-units", help="Count every row, though units repeat.")
    ] = False,
    pooled: Annotated[
        str | None, typer.Option(help="The column that tells pooled samples; a pool is n = 1.")
    ] = None,
    alternative: Annotated[
        str, typer.Option(help="two-sided, or is a group greater or less than the reference?")
    ] = Choices.alternative,
    margin: Annotated[
        float | None, typer.Option(help="Margin of an equivalence test, in the values' units.")
    ] = None,
    per: Annotated[
        float, typer.Option(help="Odds ratios of logistic are per so much of the value.")
    ] = Choices.per,
    n: Annotated[
        str | None, typer.Option(help="For means in place of values: the column of each n.")
    ] = None,
    sd: Annotated[str | None, typer.Option(help="The column of their SDs.")] = None,
    sem: Annotated[str | None, typer.Option(help="Or the column of their SEMs.")] = None,
    figures: Annotated[
        Path | None, typer.Option(help="A folder for figures as SVG, PDF and PNG.")
    ] = None,
    output: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
) -> int:
    """Compare the groups of anybody's table: the statistics alone."""
    from .compare_figures import save_figures
    from .compare_table import compare_table, format_comparison

    columns = Columns(value, group, unit=unit, pooled=pooled, n=n, sd=sd, sem=sem)
    choices = Choices(
        reference=reference,
        tests=tuple(test) if test else None,
        alpha=alpha,
        alternative=alternative,
        margin=margin,
        per=per,
        aggregate=aggregate,
        rows_are_units=rows_are_units,
    )
    found = compare_table(table, columns, choices)
    if figures is not None:
        save_figures(found, figures, alpha=alpha)
    print(format_comparison(found, output))
    return ALL_DONE
