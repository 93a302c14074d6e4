"""Claims of the paper that hang on arithmetic, on doses or on words.

Kept apart from the tests in `paper`: nothing here has a p-value.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

from ..stats.claims import Recomputation, Support

if TYPE_CHECKING:
    from .paper import Entry

_LIGHT_MOUSE_G = 20.0
"""Usual mass of a Balb/c female of 14 weeks, which the paper takes as 30 g."""

_SAME = 0.01
"""Two doses are called the same when they differ by less than this share."""


def _words(entry: "Entry") -> list[Recomputation]:
    return [Recomputation(note="no mean, error and n are printed, so nothing can be recomputed")]


def _pooled(entry: "Entry") -> list[Recomputation]:
    return [Recomputation(effect_name="samples a group", effect=1.0)]


def _statements(entry: "Entry") -> list[Recomputation]:
    """Set side by side what each place of the paper says."""
    table = entry.paper.statements
    rows = []
    for row in table[table["claim"] == entry.id].itertuples():
        where = f"{row.section}; Figure {row.figure}" if row.figure else row.section
        rows.append(
            Recomputation(
                assumption=str(row.assumption),
                test="statements",
                supports=_support(str(row.supports)),
                note=f"{where}: {row.says}",
            )
        )
    return rows


def _support(text: str) -> Support:
    known: dict[str, Support] = {"": "", "yes": "yes", "no": "no", "contradicted": "contradicted"}
    if text not in known:
        raise ValueError(f"a statement supports {', '.join(map(repr, known))}; got {text!r}.")
    return known[text]


def _arithmetic(
    name: str, value: float, supports: Support = "", *, assumption: str = "", note: str = ""
) -> Recomputation:
    return Recomputation(
        assumption=assumption,
        test="arithmetic",
        effect_name=name,
        effect=value,
        supports=supports,
        note=note,
    )


def _mice(entry: "Entry") -> list[Recomputation]:
    """Mice a group by the numbers in Methods, against the n printed."""
    mice, groups, printed = entry.numbers
    agree: Support = "yes" if mice == groups * printed else "contradicted"
    note = f"{mice:g} mice in {groups:g} groups; {mice - groups * printed:g} are not in any n"
    return [
        _arithmetic("mice a group", mice / groups, agree, note=note),
        _arithmetic("n printed", printed),
    ]


def _sum(entry: "Entry") -> list[Recomputation]:
    """Patients in the groups, against the patients in all."""
    whole, *parts = entry.names("family")
    total = entry.paper.number(whole)
    compared = sum(int(entry.paper.groups.loc[id, "n"]) for id in parts)
    agree: Support = "yes" if total == compared else "contradicted"
    return [
        _arithmetic("patients in both groups", compared, agree),
        _arithmetic("patients in all", total),
        _arithmetic("patients in neither", total - compared),
    ]


def _ages(entry: "Entry") -> list[Recomputation]:
    """One quantity printed twice."""
    values = [str(entry.paper.groups.loc[id, "mean"]) for id in entry.names("family")]
    places = [str(entry.paper.groups.loc[id, "note"]) for id in entry.names("family")]
    agree: Support = "yes" if len(set(values)) == 1 else "contradicted"
    return [
        _arithmetic("mean age, years", float(value), agree, note=place)
        for value, place in zip(values, places, strict=True)
    ]


def _dose(entry: "Entry") -> list[Recomputation]:
    """One dose in mouse and person, per mass and per surface."""
    from ..stats.doses import dose_mg_per_kg, equivalent_dose_mg_per_kg

    mouse_mg, mouse_g, human_g, human_kg, stock = entry.numbers
    mouse = dose_mg_per_kg(mouse_mg, mouse_g / 1000)
    human = dose_mg_per_kg(human_g * 1000, human_kg)
    by_surface = equivalent_dose_mg_per_kg(mouse)
    wanted = equivalent_dose_mg_per_kg(human, animal="human", other="mouse")
    light = dose_mg_per_kg(mouse_mg, _LIGHT_MOUSE_G / 1000)
    mass, surface = "dose per body mass", "dose per body surface (Km 3 and 37)"
    equal: Support = "yes" if abs(mouse / human - 1) < _SAME else "no"
    same: Support = "yes" if abs(by_surface / human - 1) < _SAME else "no"
    whole = f"{by_surface * human_kg:.0f} mg in {human_kg:g} kg, not {human_g * 1000:.0f}"
    need = f"{wanted * mouse_g / 1000:.2f} mg in {mouse_g:g} g, not {mouse_mg:g}"
    return [
        _arithmetic("dose in the mouse, mg/kg", mouse, equal, assumption=mass),
        _arithmetic("dose in the person, mg/kg", human, assumption=mass),
        _arithmetic(
            "person's dose for the mouse's, mg/kg", by_surface, same, assumption=surface, note=whole
        ),
        _arithmetic("mouse's dose for the person's, mg/kg", wanted, assumption=surface, note=need),
        _arithmetic(
            "dose in a mouse of 20 g, mg/kg",
            light,
            assumption="20 g, usual for a Balb/c female of this age",
            note=f"that would be {light * human_kg / 1000:.1f} g in {human_kg:g} kg",
        ),
        _arithmetic("volume of stock, µL", mouse_mg / stock * 1000, note="before any dilution"),
    ]


def _blood(entry: "Entry") -> list[Recomputation]:
    """Iron in lost blood: the paper's own sum, and by the patients' haemoglobin."""
    from ..stats.doses import iron_in_blood_mg

    ids = entry.names("family")
    per_month, months, iron, volume, printed = (entry.paper.number(id) for id in ids[:5])
    lost = per_month * months
    own = lost * iron / volume
    rows = [
        _arithmetic(
            "iron lost, mg",
            own,
            "yes" if abs(own - printed) < _SAME * printed else "no",
            assumption=f"{iron:g} mg iron in {volume:g} mL blood",
        )
    ]
    for id in ids[5:]:
        group = entry.paper.group(id)
        rows.append(
            _arithmetic(
                "iron lost, mg",
                iron_in_blood_mg(lost, group.mean.value),
                assumption=f"blood of the {group.name} patients ({group.mean.text} g/L)",
                note="3.47 mg iron a gram of haemoglobin",
            )
        )
    return rows


def _diet_spread(entry: "Entry") -> list[Recomputation]:
    """Iron of each diet over that of the one below."""
    *diets, base = entry.numbers
    rows = []
    for words, extra in (("ppm as totals", 0.0), (f"ppm on top of {base:g} ppm", base)):
        for low, high in pairwise(diets):
            ratio = (high + extra) / (low + extra)
            agree: Support = "yes" if abs(ratio / 10 - 1) < _SAME else "no"
            name = f"iron of {high:g} ppm over {low:g} ppm"
            rows.append(_arithmetic(name, ratio, agree, assumption=words))
    return rows


def _diet_salt(entry: "Entry") -> list[Recomputation]:
    """Iron in the diets if the printed ppm were of the salt, after what each place says."""
    from ..stats.doses import iron_in_salt

    return [
        *_statements(entry),
        *(
            _arithmetic(
                f"iron in {ppm:g} ppm, ppm", iron_in_salt(ppm, salt), assumption=f"as {salt}"
            )
            for salt in ("ferrous sulfate", "ferrous sulfate heptahydrate")
            for ppm in entry.numbers
        ),
    ]


def _fold(entry: "Entry") -> list[Recomputation]:
    """Each printed fold as a ratio, and as a rise on top of one."""
    readings = (("fold as ratio (1 is no change)", 0.0), ("fold as rise (1 is a doubling)", 1.0))
    return [
        _arithmetic(
            "ratio to 350 ppm",
            entry.paper.number(id) + extra,
            assumption=words,
            note=str(entry.paper.numbers.loc[id, "quantity"]),
        )
        for words, extra in readings
        for id in entry.names("family")
    ]


FACTS: dict[str, Callable[["Entry"], list[Recomputation]]] = {
    "words": _words,
    "pooled": _pooled,
    "statements": _statements,
    "mice": _mice,
    "sum": _sum,
    "ages": _ages,
    "dose": _dose,
    "blood": _blood,
    "diet_spread": _diet_spread,
    "diet_salt": _diet_salt,
    "fold": _fold,
}
"""What recomputes each kind of claim."""
