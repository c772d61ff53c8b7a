"""The Playhouse tool contract for Python: a typed function is a tool.

Arguments, result and their descriptions follow from the type hints: `str`, `int`, `float`, `bool`, `list[T]`,
`dict[str, T]`, `Literal[…]`, `T | None` and dataclasses of these, each with a description by `Annotated[T, "…"]`.

A capability that `uses` in tool.toml lists is imported from here: `from playhouse import kv`.
"""

import dataclasses
import importlib
import inspect
import json
import types
import typing
from typing import Any, Callable, Literal

Kind = Literal["invalid-input", "denied", "not-found", "conflict", "unavailable", "failed"]
# What happens to a call whose result was lost in a crash: "checkable" is asked about, "once" is never called again.
Effect = Literal["pure", "idempotent", "checkable", "once"]


class Failure(Exception):
    """A failure the model is meant to read: one sentence, without a full stop, that says what to do instead."""

    def __init__(self, kind: Kind, message: str, retry_after_ms: int | None = None) -> None:
        super().__init__(message)
        self.kind, self.message, self.retry_after_ms = kind, message, retry_after_ms


# What a call gave, if it happened, by its effect id; `None` if it did not.
DidItHappen = Callable[[str], Any]


def tool(
    version: str,
    effect: Effect = "once",
    wants: dict[str, str] | None = None,
    did_it_happen: DidItHappen | None = None,
) -> Callable[[Callable], Callable]:
    """Makes a function the tool of this component. It stays a function, so that tests can call it.

    `wants` says what each capability is needed for, to those who grant it: `{"http": "reads api.example.com"}`.
    A "checkable" tool has `did_it_happen`, and `checkable = true` in tool.toml.
    """
    if (effect == "checkable") != (did_it_happen is not None):
        raise TypeError("a checkable tool, and no other, has `did_it_happen`")

    def registered(function: Callable) -> Callable:
        if _the_tool:
            raise TypeError(f"{_the_tool[0].function.__name__} is the tool already: a component has one")
        _the_tool.append(_Tool(function, version, effect, wants or {}, did_it_happen))
        return function

    return registered


def describe() -> str:
    """What the tool says of itself."""
    return _the_tool[0].about


def run(arguments: str) -> str:
    """Calls the tool with JSON, as the host does."""
    return _the_tool[0].run(arguments)


def happened(effect_id: str) -> str | None:
    """Asks the tool about a call, as the host does: what it gave, as JSON, if it happened."""
    output = _the_tool[0].did_it_happen(effect_id)
    return None if output is None else _text(output)


class _Tool:
    """Everything that can be known before the first call, which is when the component is built."""

    def __init__(
        self,
        function: Callable,
        version: str,
        effect: Effect,
        wants: dict[str, str],
        did_it_happen: DidItHappen | None,
    ) -> None:
        if inspect.iscoroutinefunction(function):
            raise TypeError(f"{function.__name__} is async, and a tool waits for nothing: capabilities answer at once")
        hints = typing.get_type_hints(function, include_extras=True)
        parameters = inspect.signature(function).parameters.values()
        if bare := [name for name in [*(p.name for p in parameters), "return"] if name not in hints]:
            raise TypeError(f"{function.__name__} has no type hint for {', '.join(bare)}: its schema follows from those")
        required = [p.name for p in parameters if p.default is inspect.Parameter.empty]
        self.function, self.did_it_happen = function, did_it_happen
        self.readers = {p.name: _reader(hints[p.name]) for p in parameters}
        about = {
            "name": function.__name__,
            "version": version,
            "description": " ".join((inspect.getdoc(function) or "").split()),
            "effect": effect,
            "input_schema": _object({p.name: hints[p.name] for p in parameters}, required),
            "output_schema": _schema(hints["return"]),
        }
        self.about = _text(about | ({"wants": wants} if wants else {}))

    def run(self, arguments: str) -> str:
        given = json.loads(arguments)
        return _text(self.function(**{name: self.readers[name](value) for name, value in given.items()}))


_the_tool: list[_Tool] = []


def _plain(value: Any) -> Any:
    """A dataclass as JSON; what is nothing is left out."""
    return {f.name: v for f in dataclasses.fields(value) if (v := getattr(value, f.name)) is not None}


# Made once, and not at each call.
_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain).encode


_SIMPLE = {str: "string", int: "integer", float: "number", bool: "boolean"}


def _schema(hint: Any) -> dict[str, Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _schema(arguments[0]) | {"description": arguments[1]}
    if hint in _SIMPLE:
        return {"type": _SIMPLE[hint]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is list:
        return {"type": "array", "items": _schema(arguments[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(arguments[1])}
    if inner := _optional(hint):
        return {"anyOf": [_schema(inner), {"type": "null"}]} if inner not in _SIMPLE else {"type": [_SIMPLE[inner], "null"]}
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint, include_extras=True)
        return _object(hints, [f.name for f in dataclasses.fields(hint) if not _can_be_left_out(f, hints[f.name])])
    raise TypeError(f"{hint} cannot be described to a model; the docstring of playhouse.py lists what can")


def _object(hints: dict[str, Any], required: list[str]) -> dict[str, Any]:
    properties = {name: _schema(hint) for name, hint in hints.items()}
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _can_be_left_out(field: dataclasses.Field, hint: Any) -> bool:
    has_default = (field.default, field.default_factory) != (dataclasses.MISSING, dataclasses.MISSING)
    return has_default or _optional(hint) is not None


def _optional(hint: Any) -> Any:
    """`T` of `T | None`."""
    if typing.get_origin(hint) is typing.Annotated:
        return _optional(typing.get_args(hint)[0])
    others = [inner for inner in typing.get_args(hint) if inner is not types.NoneType]
    is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return others[0] if is_union and len(others) == 1 else None


def _reader(hint: Any) -> Callable[[Any], Any]:
    """Makes a value of JSON into one of the hinted type. The host has checked it against the schema."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _reader(arguments[0])
    if origin is list:
        item = _reader(arguments[0])
        return lambda value: [item(one) for one in value]
    if origin is dict:
        item = _reader(arguments[1])
        return lambda value: {key: item(one) for key, one in value.items()}
    if inner := _optional(hint):
        reader = _reader(inner)
        return lambda value: None if value is None else reader(value)
    if dataclasses.is_dataclass(hint):
        readers = {name: _reader(one) for name, one in typing.get_type_hints(hint, include_extras=True).items()}
        return lambda value: hint(**{name: readers[name](one) for name, one in value.items()})
    # To JSON Schema 3 is a number, and 3.0 an integer.
    return hint if hint in (int, float) else lambda value: value


def __getattr__(name: str) -> Any:
    """A capability. Outside of a component there is none: tests put their own in its place, by `mock.patch`."""
    if name.startswith("_"):
        raise AttributeError(name)
    try:
        return importlib.import_module(f"wit_world.imports.{name}")
    except ImportError:
        return types.SimpleNamespace(__name__=name)


try:
    from componentize_py_types import Err
    from wit_world.exports.tool import ErrorKind, ToolError
except ImportError:
    pass  # This is not a component, but a test of one.
else:

    class Tool:
        """What the component exports."""

        def describe(self) -> str:
            return describe()

        def call(self, arguments: str) -> str:
            try:
                return run(arguments)
            except Failure as failure:
                kind = getattr(ErrorKind, failure.kind.replace("-", "_").upper(), None)
                if kind is None:
                    raise Err(ToolError(ErrorKind.FAILED, f"`{failure.kind}` is no kind of failure", None)) from None
                raise Err(ToolError(kind, failure.message, failure.retry_after_ms)) from None
            except Err as refused:
                raise Err(ToolError(ErrorKind.FAILED, _said(refused), None)) from None
            except Exception as wrong:  # A trap would say that it panicked, and nothing of this.
                raise Err(ToolError(ErrorKind.FAILED, _crash(wrong), None)) from None

    class Checkable:
        """What it exports besides, if tool.toml says `checkable = true`."""

        def did_it_happen(self, effect_id: str) -> str | None:
            try:
                return happened(effect_id)
            except Failure as failure:
                raise Err(failure.message) from None
            except Err as refused:
                raise Err(_said(refused)) from None
            except Exception as wrong:
                raise Err(_crash(wrong)) from None

    def _crash(wrong: Exception) -> str:
        """An exception that nobody caught, and where it was raised."""
        at = wrong.__traceback__
        while at is not None and at.tb_next is not None:
            at = at.tb_next
        place = f" ({at.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}, line {at.tb_lineno})" if at else ""
        return f"it crashed: {type(wrong).__name__}: {wrong}"[:500] + place

    def _said(refused: Err) -> str:
        """What a capability says is text, or an object with a message."""
        return str(getattr(refused.value, "message", refused.value))
