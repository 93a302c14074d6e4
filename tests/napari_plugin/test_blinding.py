"""What a blinded reader is told when something goes wrong names no image, animal or group."""

import shutil

import pytest

from xenoquant.pipeline.errors import InputError
from xenoquant.pipeline.run import RunOptions, run_study

IMAGE = "lungs/low iron/m3.jpg"


@pytest.fixture
def reviewed(study, sessions):
    """A study whose image lies in its group's folder, with a review begun; gives its folder."""
    (study / "lungs" / "low iron").mkdir()
    (study / "lungs" / "m3.jpg").rename(study / IMAGE)
    sheet = study / "samples.csv"
    sheet.write_text(sheet.read_text().replace("lungs/m3.jpg", IMAGE))
    run_study(study, RunOptions(jobs=1))
    session = sessions()
    review = session.open(place_of(session)).review
    review.do("delete", review.edit.delete([review.index.numbers("nodules")[0]]))
    session.close()
    return review.folder


def place_of(session):
    return next(i for i, item in enumerate(session.items) if item.sample.image == IMAGE)


def torn_log(session, folder):
    folder.log_file.write_bytes(b"{torn\n" + folder.log_file.read_bytes())
    return session.load(place_of(session)).review.messages


def torn_facts(session, folder):
    (folder.folder / "image.json").write_text("{")
    return refusal(session)


def lost_base(session, folder):
    (folder.folder / "base" / "nodules.tif").unlink()
    shutil.rmtree(folder.folder / "labels")
    return refusal(session)


def lost_file(session, folder):
    """An error of the system, which names the file as it likes."""
    item = session.items[place_of(session)]
    return [str(OSError(28, "No space left on device", str(item.reference)))]


def refusal(session):
    with pytest.raises(InputError) as error:
        session.load(place_of(session))
    return [str(error.value)]


@pytest.mark.parametrize("fault", [torn_log, torn_facts, lost_base, lost_file])
def test_no_message_names_the_image_to_a_blinded_reader(sessions, reviewed, fault):
    """Authority: neither file name, group nor animal is on screen, whatever goes wrong."""
    session = sessions()
    told = fault(session, reviewed)
    assert any("low iron/m3" in text for text in told)
    for text in map(session.words, told):
        assert "low iron" not in text
        assert "m3" not in text
        assert "the image" in text
    session.unblind()
    assert [session.words(text) for text in told] == list(told)
