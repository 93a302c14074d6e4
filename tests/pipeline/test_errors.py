"""Errors of inputs and studies: what they say, and that they survive the way between processes."""

import pickle

from xenoquant.pipeline.errors import InputError, Problem, StudyError, sentence

PROBLEM = Problem("study.toml", "study.alpha", "5", "a number between 0 and 1", "write 0.05")


def test_input_error_reads_as_sentences_with_path_reason_and_remedy() -> None:
    error = InputError("lungs/a.jpg", "the file is empty", "copy it again")
    assert str(error) == "lungs/a.jpg: the file is empty. Remedy: copy it again."


def test_input_error_keeps_its_parts_through_pickle_as_between_processes() -> None:
    error = pickle.loads(pickle.dumps(InputError("a.jpg", "it is cut.", "copy it")))
    assert (error.path, error.reason, error.remedy) == ("a.jpg", "it is cut.", "copy it")
    assert str(error) == "a.jpg: it is cut. Remedy: copy it."


def test_problem_names_file_place_value_expectation_and_remedy() -> None:
    assert str(PROBLEM) == (
        "study.toml, study.alpha: found 5, expected a number between 0 and 1. Remedy: write 0.05."
    )


def test_problem_of_a_whole_file_leaves_out_what_it_has_not() -> None:
    problem = Problem("samples.csv", "", "", "a column animal", "add it")
    assert str(problem) == "samples.csv: expected a column animal. Remedy: add it."


def test_study_error_lists_every_problem_and_ends_with_status_2() -> None:
    other = Problem("samples.csv", "row 3", "", "an animal", "fill the cell")
    error = StudyError([PROBLEM, other])
    assert error.exit_status == 2  # the design's exit status of a study that can't be run
    assert str(error).splitlines() == ["2 problems:", f"  {PROBLEM}", f"  {other}"]
    assert str(StudyError([PROBLEM])) == str(PROBLEM)


def test_study_error_keeps_its_problems_through_pickle() -> None:
    assert pickle.loads(pickle.dumps(StudyError([PROBLEM]))).problems == (PROBLEM,)


def test_sentence_adds_a_full_stop_only_where_none_is() -> None:
    assert [sentence(text) for text in ("a", "a.", "a!", "", " a ")] == ["a.", "a.", "a!", "", "a."]
