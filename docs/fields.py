"""Writes the tables of docs/reference.md from the schema in crds/. Run by `make generate`."""

import json
from pathlib import Path
from typing import Any

import yaml

DOCS = Path(__file__).resolve().parent
CRD = DOCS.parent / "crds" / "proxy.example.com_nginxes.yaml"
PAGE = DOCS / "reference.md"
QUOTE = '"'
HEADER = "| field | type | default | bounds | meaning |\n|---|---|---|---|---|\n"

Schema = dict[str, Any]


def page(text: str, crd: Schema) -> str:
    """The page with its tables written anew, each between a line `<!-- NAME -->` and `<!-- end -->`."""
    (version,) = crd["spec"]["versions"]
    properties = version["schema"]["openAPIV3Schema"]["properties"]
    for name in ("spec", "status"):
        before, _, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition("<!-- end -->")
        text = f"{before}<!-- {name} -->\n{HEADER}{rows(name, properties[name])}{end}{after}"
    return text


def rows(path: str, schema: Schema) -> str:
    """One row for each field below `path`, in the order of the schema."""
    lines = []
    for name, field in schema.get("properties", {}).items():
        here = f"{path}.{name}"
        meaning = " ".join(field["description"].split()).removesuffix(f" {in_words(field)}")
        cells = [f"`{here}`", _type(field), _default(field), _bounds(field), meaning]
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n")
        lines.append(rows(here, field))
        if "properties" in field.get("items", {}):
            lines.append(rows(f"{here}[]", field["items"]))
    return "".join(lines)


def _type(field: Schema) -> str:
    kind: str = field["type"]
    if kind == "array":
        return f"list of {_type(field['items'])}s"
    if "additionalProperties" in field:
        return f"map to {'quantities' if 'anyOf' in field['additionalProperties'] else 'strings'}"
    return f"{kind} ({field['format']})" if "format" in field else kind


def _default(field: Schema) -> str:
    return f"`{json.dumps(field['default']).strip(QUOTE)}`" if field.get("default") not in (None, {}) else ""


def _bounds(field: Schema) -> str:
    low, high = field.get("minimum"), field.get("maximum")
    found = [", ".join(f"`{value}`" for value in field.get("enum", ()))]
    if low is not None:
        found.append(f"{low} to {high}" if high is not None else f"{low} or more")
    if "maxLength" in field:
        found.append(f"at most {field['maxLength']} characters")
    if "maxItems" in field or "maxProperties" in field:
        found.append(f"at most {field.get('maxItems', field.get('maxProperties'))} entries")
    return ", ".join(filter(None, found))


def in_words(field: Schema) -> str:
    """Default and bounds as the last sentence of a description, since `kubectl explain` shows neither; values of an
    enum it shows.
    """
    default = f"default {_default(field).strip('`')}" if _default(field) else ""
    found = [default, _bounds({key: value for key, value in field.items() if key != "enum"})]
    text = "; ".join(filter(None, found))
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def written() -> str:
    """What the page should be."""
    crd: Schema = yaml.safe_load(CRD.read_text(encoding="utf-8"))
    return page(PAGE.read_text(encoding="utf-8"), crd)


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
