"""A run: from a study's folder to its tables, overlays and report."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from .assay import Calibration
from .comparing import compare_study
from .crew import Crew
from .drawing import DrawJob, draw_job, lost_drawing
from .errors import Problem, StudyError
from .evidence import describe_tables, evaluate_tables, join_animals, prepare_assays
from .finished import Finished
from .former_tables import replace_former_tables
from .leftovers import remove_leftovers
from .linking import conflicting_groups, link_iron
from .measured import Measured
from .measuring import STORING, Job, Outcome, finish_job, lost_job, measure_job
from .object_tables import KINDS, ObjectTables
from .plan import Plan, Task, plan_study
from .problems import ProblemRow, bad_tile_rows, problem_table
from .progress import Both, LiveCounts
from .provenance import (
    CRATE_FILE,
    REPORT_FILE,
    RUN_FILE,
    describe_crate,
    describe_run,
    file_hashes,
)
from .published import Published
from .repeats import repeated_content, same_result
from .results_links import refuse_links
from .reviewed_readings import with_readings
from .reviews import Reviewed, apply_reviews, describe_reviews
from .rollup import (
    AssayResult,
    animal_table,
    classify_assay,
    group_table,
    image_table,
)
from .run_lock import only_run
from .run_options import RunOptions
from .run_summary import PENDING, RunSummary
from .samples import Sample, study_samples
from .store import Store
from .stored_images import StoredImages
from .stored_tables import FromStore
from .study import Study, load_study
from .table_assay import TableResult
from .unplaced_reviews import unplaced_reviews
from .views import study_view
from .writers import write_csv, write_json

__all__ = ["RunOptions", "RunSummary", "run_samples", "run_study"]


def run_study(path: Path, options: RunOptions | None = None) -> RunSummary:
    """Measure, roll up, compare and report a study.

    Parameters
    ----------
    path : pathlib.Path
        The study's folder or its study.toml.
    options : RunOptions, optional
        How to carry it out.

    Returns
    -------
    RunSummary
        What was done; the results are on disk.

    Raises
    ------
    StudyError
        If the study can't be run as written.
    """
    study = load_study(path)
    samples = study_samples(study)
    return run_samples(study, samples, options or RunOptions())


def run_samples(study: Study, samples: Sequence[Sample], options: RunOptions) -> RunSummary:
    """Run a study whose sheet has been read; as `run_study`."""
    _check_assays(study, options.assays)
    with _writing_to(study.results):
        refuse_links(study.folder, study.results)
        study.results.mkdir(parents=True, exist_ok=True)
        store = study.results / "store"
        with only_run(store) as cut_short:
            if cut_short:
                remove_leftovers(study.results)
            return _Run(study, samples, options).finish()


def _check_assays(study: Study, wanted: Sequence[str]) -> None:
    unknown = [name for name in wanted if name not in study.assays]
    if unknown:
        expected = "an assay of study.toml (" + ", ".join(study.assays) + ")"
        raise StudyError([Problem("--assay", "", n, expected, "mend the name") for n in unknown])


@contextmanager
def _writing_to(folder: Path) -> Iterator[None]:
    """Turn a full disk, or a folder that can't be written to, into a message."""
    try:
        yield
    except OSError as error:
        value = f"{error.strerror or error}" + (f" ({error.filename})" if error.filename else "")
        raise StudyError([unwritable(folder, value)]) from error


def unwritable(folder: Path, value: str) -> Problem:
    """Give the problem of a results folder that can't be written to."""
    remedy = (
        "make room on the disk, or make the folder writable, and run the same command again: "
        "what was measured is kept"
    )
    return Problem(str(folder), "", value, "a folder to write to", remedy)


class _Run:
    """The stages of one run, in their order; each leaves what the next one needs."""

    def __init__(self, study: Study, samples: Sequence[Sample], options: RunOptions) -> None:
        self.study = study
        self.samples = samples
        self.options = options
        self.store = Store(study.results / "store")
        self.progress = Both(options.progress, LiveCounts(self.store.folder))
        self.problems: list[ProblemRow] = []
        self.seconds: dict[str, float] = {}
        self.read_as: dict[tuple[str, str], Mapping[str, Any]] = {}
        self.crew = Crew(options.pool, options.jobs)
        self.published = Published(study.results)

    def finish(self) -> RunSummary:
        with self._timed("plan"):
            self.study, self.samples, unusable = prepare_assays(self.study, self.samples)
            self.problems.extend(unusable)
            plan = plan_study(self.study, self.samples)
            self.problems.extend(plan.problems)
        try:
            summary = self._measure_and_finish(plan)
        finally:
            self.crew.dismiss()
        self.progress.finish(summary.counts)
        return summary

    def _measure_and_finish(self, plan: Plan) -> RunSummary:
        """Measure what is missing, and all that follows unless it would be the same again."""
        with self._timed("measure"):
            measured = self._measure(plan)
        with self._timed("review"):
            found = [task for task in plan.tasks if task.fingerprint in self.store]
            reviewed = apply_reviews(self.study, found)
            self.problems.extend(reviewed.problems)
            self.problems.extend(unplaced_reviews(self.study, self.samples, plan.tasks))
            readings = tuple(reading.task for reading in reviewed.readings)
            corrected = self._measure(Plan(readings, ())) if readings else 0
        done = [task for task in reviewed.tasks if task.fingerprint in self.store]
        finished = Finished(self.study, self.samples, done, self.problems)
        earlier = None if measured or corrected else finished.unchanged()
        if earlier is not None:
            return self._summary(measured, len(found) - measured, earlier)
        summary = self._finish_anew(done, (found, reviewed), measured)
        finished.record(summary.problems)
        return summary

    def _finish_anew(
        self, done: Sequence[Task], review: tuple[Sequence[Task], Reviewed], measured: int
    ) -> RunSummary:
        """Roll up, draw, compare and report what is in the store."""
        found, reviewed = review
        with self._timed("roll up"):
            results, conclusions = self._roll_up(done)
            sheets, unusable = evaluate_tables(self.study)
            self.problems.extend(unusable)
            tables = {**conclusions, **sheets}
            tables = with_readings(self.study, self.store, found, reviewed, results, tables)
            animals = join_animals(animal_table(self.study, results), tables)
            self.problems.extend(conflicting_groups(self.study, animals))
            tables = link_iron(self.study, animals, tables)
        done = [task for task in done if task.fingerprint in self.store]
        with self._timed("draw"):
            self._draw(done, results)
        with self._timed("compare"):
            self._write_tables(results, animals, tables)
        summary = self._summary(measured, len(found) - measured, self.problems)
        self._report(done, results, tables, summary.counts, review)
        return summary

    def _summary(self, measured: int, reused: int, problems: Iterable[ProblemRow]) -> RunSummary:
        folder = self.study.results
        rows = tuple(sorted(set(problems)))
        return RunSummary(folder, folder / REPORT_FILE, measured, reused, rows)

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[stage] = time.perf_counter() - started

    def _measure(self, plan: Plan) -> int:
        """Measure what the store lacks; give how many images that were."""
        assays = set(self.options.assays or self.study.image_assays)
        wanted = [task for task in plan.tasks if task.sample.assay in assays]
        others = [task for task in plan.tasks if task.sample.assay not in assays]
        if self.options.fresh:
            for task in wanted:
                self.store.discard(task.fingerprint)
        self.problems.extend(_pending(t) for t in others if t.fingerprint not in self.store)
        todo = {t.fingerprint: t for t in wanted if t.fingerprint not in self.store}
        same = same_result(wanted)
        jobs = self._jobs(todo)
        self.progress.start("measure", len(jobs), reused=len(wanted) - len(jobs))
        done = 0
        for begun in self.crew.carry_out(measure_job, list(jobs.values()), lost_job):
            outcome = self._finished(jobs[begun.fingerprint], begun)
            problem = outcome.problem
            image = todo[outcome.fingerprint].sample.image
            self.progress.advance("measure", image=image, problem=problem)
            if problem is not None and problem.stage == STORING:
                raise StudyError([unwritable(self.study.results, problem.error)])
            if outcome.drawn:  # its overlay depends on no calibration
                self.published.note(todo[outcome.fingerprint], Calibration())
            done += problem is None
            self.problems.extend(_for_each(outcome, same))
        return done

    def _jobs(self, todo: Mapping[str, Task]) -> dict[str, Job]:
        """Make the jobs; where they are fewer than the workers, whole slides are shared out."""
        if not todo:
            return {}
        workers = int(getattr(self.crew.called(list(todo.values())), "workers", 1))
        may_split = len(todo) < workers
        return {
            key: Job(task, self.store.folder, may_split, self.study.results)
            for key, task in todo.items()
        }

    def _finished(self, job: Job, outcome: Outcome) -> Outcome:
        """Finish a whole slide whose tiles were left to all workers."""
        if outcome.begun is None:
            return outcome
        return finish_job(job, outcome.begun, self.crew.called([job.task]))

    def _roll_up(
        self, done: Sequence[Task]
    ) -> tuple[dict[str, AssayResult], dict[str, TableResult]]:
        results, conclusions = {}, {}
        repeated = repeated_content(done)
        for name, assay in self.study.image_assays.items():
            tasks = [task for task in done if task.sample.assay == name]
            measured = StoredImages(tasks, lambda task: self._load(task, repeated))
            with ObjectTables(self.study.results, name) as tables:
                results[name] = classify_assay(name, assay, measured, tables.add)
                tables.close(results[name].classified)
            self.problems.extend(results[name].problems)
            conclusion = assay.conclude(name, measured, self.study.header)
            if conclusion is not None:
                conclusions[name] = conclusion
                self.problems.extend(conclusion.problems)
        return results, conclusions

    def _load(self, task: Task, repeated: Mapping[tuple[str, str], str]) -> Measured | None:
        """Load one stored image; a damaged entry is said, and measured anew by the next run."""
        try:
            held = self.store.load(task.fingerprint)
        except (OSError, ValueError, KeyError) as error:
            self.store.discard(task.fingerprint)
            remedy = "run again: the image will be measured anew"
            text = f"its stored result was damaged: {error}"
            self.problems.append(_row(task, "store", text, remedy))
            return None
        self.read_as[task.sample.assay, task.sample.image] = held.notes.get("reader", {})
        self.problems.extend(bad_tile_rows(task.sample, held.notes.get("bad_tiles") or ()))
        twin = repeated.get((task.sample.assay, task.sample.image))
        flags = (*held.flags, *task.flags, *([f"same_bytes_as:{twin}"] if twin else []))
        return FromStore(task.sample, held, flags)

    def _draw(self, done: Sequence[Task], results: Mapping[str, AssayResult]) -> None:
        """Publish labels and overlays that are missing or out of date."""
        jobs = {}
        for task in done:
            calibration = results[task.sample.assay].calibration
            if not self.published.is_current(task, calibration):
                job = DrawJob(task, self.store.folder, calibration, self.study.results)
                jobs[task.sample.assay, task.sample.image] = job
        failed = set()
        self.progress.start("draw", len(jobs), reused=len(done) - len(jobs))
        for key, problem in self.crew.carry_out(draw_job, list(jobs.values()), lost_drawing):
            self.progress.advance("draw", image=key[1], problem=problem)
            if problem is None:
                self.published.note(jobs[key].task, jobs[key].calibration)
            else:
                self.problems.append(problem)
                failed.add(key)
        current = [t for t in done if (t.sample.assay, t.sample.image) not in failed]
        self.published.update(current)

    def _write_tables(
        self,
        results: Mapping[str, AssayResult],
        animals: pd.DataFrame,
        tables: Mapping[str, TableResult],
    ) -> None:
        folder = self.study.results
        comparisons, problems = compare_study(self.study, animals, tables)
        self.problems.extend(problems)
        further = [table for result in tables.values() for table in result.tables.items()]
        contents: dict[str, pd.DataFrame] = {
            **dict(further),
            "images": image_table(results),
            "animals": animals,
            "groups": group_table(self.study, animals),
            "comparisons": comparisons,
            "problems": problem_table(self.problems),
        }
        for name, table in contents.items():
            write_csv(folder / f"{name}.csv", table)
        of_objects = [f"{kind}/{name}.parquet" for name in results for kind in KINDS]
        replace_former_tables(folder, [*(f"{name}.csv" for name in contents), *of_objects])

    def _report(
        self,
        done: Sequence[Task],
        results: Mapping[str, AssayResult],
        tables: Mapping[str, TableResult],
        counts: Mapping[str, int],
        review: tuple[Sequence[Task], Reviewed],
    ) -> None:
        from pyarrow import default_memory_pool

        from .report import write_report

        default_memory_pool().release_unused()  # of rolling up, which is over
        folder = self.study.results
        calibrations = {name: result.calibration for name, result in results.items()}
        run = describe_run(
            self.study,
            self.samples,
            review[0],
            calibrations=calibrations,
            read_as=self.read_as,
            seconds=self.seconds,
            counts=counts,
        )
        run["reviews"] = describe_reviews(self.study, review[1])
        run["tables"] = describe_tables(self.study, tables)
        write_json(folder / RUN_FILE, run)
        write_report(folder, study_view(self.study, done, calibrations, tables, run))
        hashes = run["outputs"] | file_hashes(folder, [REPORT_FILE, RUN_FILE])
        write_json(folder / CRATE_FILE, describe_crate(self.study, run, hashes))


def _row(task: Task, stage: str, error: str, remedy: str) -> ProblemRow:
    return ProblemRow(task.sample.assay, task.sample.image, stage, error, remedy)


def _pending(task: Task) -> ProblemRow:
    return _row(task, PENDING, "not measured yet", "run without --assay, or name this assay too")


def _for_each(outcome: Outcome, same: Mapping[str, list[Task]]) -> list[ProblemRow]:
    """Give an outcome's problem to every row of the sheet that it concerns."""
    problem = outcome.problem
    if problem is None:
        return []
    return [
        _row(t, problem.stage, problem.error, problem.remedy) for t in same[outcome.fingerprint]
    ]
