"""A form made from a method's options model: names, limits, defaults and help from one place."""

import json
import tomllib
from typing import Any, Literal, get_args, get_origin

import annotated_types
from magicgui.widgets import CheckBox, ComboBox, Container, FloatSpinBox, LineEdit, SpinBox
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from ..pipeline.study_text import toml

HIDDEN = frozenset({"method", "tests"})


class OptionsForm(Container):
    """Edits an options model; the model itself checks what is typed.

    Parameters
    ----------
    model : type of pydantic.BaseModel
        The options.
    """

    def __init__(self, model: type[BaseModel]) -> None:
        self.model = model
        self.fields = {
            name: field_widget(name, field)
            for name, field in model.model_fields.items()
            if name not in HIDDEN
        }
        super().__init__(widgets=list(self.fields.values()), labels=True)

    def options(self) -> BaseModel:
        """Give the options as typed.

        Raises
        ------
        ValueError
            If they aren't valid; the message names the option and what it may be.
        """
        try:
            return self.model.model_validate(self.typed())
        except ValidationError as error:
            found = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
            raise ValueError("; ".join(found)) from error

    def typed(self) -> dict[str, Any]:
        """Give what is typed, without what is left empty."""
        values = {name: read_widget(widget) for name, widget in self.fields.items()}
        return {name: value for name, value in values.items() if value is not None}

    def show(self, options: BaseModel) -> None:
        """Show options."""
        held = options.model_dump(mode="json")
        for name, widget in self.fields.items():
            write_widget(widget, held[name])


def field_widget(name: str, field: FieldInfo) -> Any:
    """Make the widget of one option: a choice, a number within its limits, a tick, or text."""
    look = {"name": name, "label": name, "tooltip": field.description or ""}
    kind, default = field.annotation, field.get_default(call_default_factory=True)
    if get_origin(kind) is Literal:
        return ComboBox(choices=list(get_args(kind)), value=default, **look)
    if kind is bool:
        return CheckBox(value=default, **look)
    if kind in (float, int):
        low, high = _limits(field)
        if kind is int:
            return SpinBox(value=default, min=int(low), max=int(high), **look)
        step = 10.0 ** (len(str(int(abs(default)))) - 2) if default >= 1 else 0.05
        return FloatSpinBox(value=default, min=low, max=high, step=step, **look)
    widget = LineEdit(**look)
    if default is not None and not repr(default).startswith("PydanticUndefined"):
        dumped = default.model_dump(mode="json") if isinstance(default, BaseModel) else default
        write_widget(widget, dumped)
    return widget


def _limits(field: FieldInfo) -> tuple[float, float]:
    """Give the least and the largest value that a number may have."""
    low, high = -1e9, 1e9
    for limit in field.metadata:
        if isinstance(limit, annotated_types.Ge | annotated_types.Gt):
            strict = isinstance(limit, annotated_types.Gt)
            low = float(limit.gt) + 1e-3 if strict else float(limit.ge)  # type: ignore[arg-type,union-attr]
        if isinstance(limit, annotated_types.Le | annotated_types.Lt):
            strict = isinstance(limit, annotated_types.Lt)
            high = float(limit.lt) - 1e-3 if strict else float(limit.le)  # type: ignore[arg-type,union-attr]
    return low, high


def read_widget(widget: Any) -> Any:
    """Give a widget's value; text is read as TOML where it is, and as text where it isn't."""
    if not isinstance(widget, LineEdit):
        value = widget.value
        return round(value, 9) if isinstance(value, float) else value
    text = widget.value.strip()
    if not text:
        return None
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def write_widget(widget: Any, value: Any) -> None:
    """Show a value in a widget."""
    if isinstance(widget, LineEdit):
        widget.value = "" if value is None else _text(value)
    else:
        widget.value = value


def _text(value: Any) -> str:
    """Write a plain word as it is, everything else as TOML."""
    if isinstance(value, str) and json.dumps(value) == f'"{value}"' and not value.isdecimal():
        return value
    return toml(value)
