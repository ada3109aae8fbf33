"""The JSON of the Lua scripts against Python's."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .reaper_host import DAW, lua_runtime, module

LUA = {version: lua_runtime(version) for version in ("lua53", "lua54")}
DECODE = {version: module(lua, "json").decode for version, lua in LUA.items()}
ENCODE = {version: module(lua, "json").encode for version, lua in LUA.items()}

numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
values = st.recursive(
    st.booleans() | numbers | texts,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=4)
        | st.dictionaries(texts, inner, min_size=1, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("version", LUA)
@settings(max_examples=150, deadline=None)
@given(value=values, is_ascii=st.booleans())
def test_values_survive_the_way_there_and_back(version: str, value: Any, is_ascii: bool) -> None:
    text = json.dumps(value, ensure_ascii=is_ascii)
    assert json.loads(ENCODE[version](DECODE[version](text))) == value


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=12) | st.text('[]{}",:\\u0e1-+.truefalsn ', max_size=16))
def test_what_is_not_json_is_refused_where_python_refuses_it(text: str) -> None:
    try:
        json.loads(text, parse_constant=lambda _: 1 / 0)
        is_json = True
    except (ValueError, ZeroDivisionError):
        is_json = False
    if is_json:
        DECODE["lua54"](text)


@pytest.mark.parametrize(
    "text", ["", "{", '{"a"}', '{"a":}', "[1", "[1 2]", '"a', '"\\x"', "nul", "1 2", "[" * 5000]
)
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(Exception, match="not JSON at byte"):
        DECODE["lua54"](text)


def test_every_example_of_the_document_can_be_read() -> None:
    document = (DAW / "manifest.md").read_text("utf-8")
    blocks = re.findall(r"```json \w+\n(.*?)```", document, re.DOTALL)
    assert len(blocks) >= 3
    for block in blocks:
        block = block.replace('"NAME.json"', '"x.json"')
        found = json.loads(ENCODE["lua53"](DECODE["lua53"](block)))
        expected = json.loads(block, object_hook=without_null)
        assert found == expected


def without_null(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if value is not None}


def test_empty_lists_and_objects_are_told_apart() -> None:
    lua = LUA["lua54"]
    json_of = module(lua, "json")
    assert json_of.encode(json_of.array(lua.table())) == "[]"
    assert json_of.encode(lua.table()) == "{}"
    assert json_of.encode(json_of.decode('{"a":[],"b":{}}')) == '{"a":[],"b":{}}'


def test_scripts_are_in_place() -> None:
    names = {path.relative_to(DAW).as_posix() for path in Path(DAW).rglob("*.lua")}
    assert {"lua/json.lua", "lua/exchange.lua", "lua/wav.lua", "reaper/lib/place.lua"} <= names
