# Copyright (c) 2026, apiauth.tokens contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX refuses: the checks of its credential types, credentials and surveys.

Facts from AWX 24.6.1: awx/main/fields.py, awx/api/serializers.py, awx/main/models/credential.py, awx/api/views.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

SHOWN = "$encrypted$"
NAME = re.compile(r"^[a-zA-Z_]+[a-zA-Z0-9_]*$")
FIELD_KEYS = {"type", "format", "choices", "id", "label", "help_text", "multiline", "secret", "ask_at_runtime", "default"}
ENV_BLOCKLIST = {"VIRTUAL_ENV", "PATH", "PYTHONPATH", "JOB_ID", "REST_API_URL", "REST_API_TOKEN", "CACHE", "AWX_HOST", "PROJECT_REVISION"}
QUESTION_TYPES = {"text", "textarea", "password", "multiplechoice", "multiselect", "integer", "float"}


class Refused(Exception):
    """A request that AWX refuses, with the HTTP status and the body of its response."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status, body)
        self.status, self.body = status, body


def invalid(member: str, text: str) -> Refused:
    return Refused(400, {member: [text]})


def is_exactly(value: Any, expected: type) -> bool:
    """Return whether a value has this type; to JSON Schema, a boolean is no number, whatever it is to Python."""
    return isinstance(value, expected) and (expected is bool or not isinstance(value, bool))


def secret_fields(kind: Mapping[str, Any]) -> set[str]:
    return {field["id"] for field in kind["inputs"].get("fields", ()) if field.get("secret") is True}


# -- credential types


def check_type(kind: dict[str, Any]) -> None:
    """Raise what AWX answers to such a credential type; complete it as AWX does."""
    if kind["kind"] not in ("cloud", "net"):
        raise invalid("kind", f"Must be 'cloud' or 'net', not {kind['kind']}")
    check_inputs_of_type(kind["inputs"])
    check_injectors(kind["injectors"], [field["id"] for field in kind["inputs"].get("fields", ())])


def check_inputs_of_type(inputs: Any) -> None:
    if not isinstance(inputs, dict) or set(inputs) - {"fields", "required"}:
        raise invalid("inputs", "Additional properties are not allowed")
    if not all(isinstance(one, str) for one in inputs.get("required", ())):
        raise invalid("inputs", "required is not a list of strings")
    seen = set()
    for field in inputs.get("fields", ()):
        if set(field) - FIELD_KEYS or not {"id", "label"} <= set(field):
            raise invalid("inputs", f"{field} is not a valid field")
        if not NAME.match(field["id"]) or field["id"] == "tower":
            raise invalid("inputs", f"{field['id']} is an invalid variable name")
        if field["id"] in seen:
            raise invalid("inputs", f"field IDs must be unique ({field['id']})")
        seen.add(field["id"])
        check_field(field)


def check_field(field: dict[str, Any]) -> None:
    if field.setdefault("type", "string") not in ("string", "boolean"):
        raise invalid("inputs", f"'{field['type']}' is not one of ['string', 'boolean']")
    if field.get("ask_at_runtime"):
        raise invalid("inputs", "'ask_at_runtime' is not supported for custom credentials.")
    for key, type_ in {"label": str, "help_text": str, "multiline": bool, "secret": bool}.items():
        if key in field and not is_exactly(field[key], type_):
            raise invalid("inputs", f"{field[key]!r} is not of type '{type_.__name__}'")
    choices = field.get("choices", ["one"])
    if not choices or len(set(choices)) != len(choices) or not all(isinstance(one, str) for one in choices):
        raise invalid("inputs", f"{choices} is no list of different strings")
    if "default" in field and not is_exactly(field["default"], {"string": str, "boolean": bool}[field["type"]]):
        raise invalid("inputs", f"{field['default']} is not a {field['type']}")
    for key in ("choices", "multiline", "format", "secret"):
        if key in field and field["type"] != "string":
            raise invalid("inputs", f"{key} not allowed for {field['type']} type ({field['id']})")


class FileName:
    """`tower.filename`; as a text it is an error where files have names."""

    def __str__(self) -> str:
        raise TemplateError("Must define unnamed file injector in order to reference `tower.filename`.")


class Tower:
    def __init__(self) -> None:
        self.filename: Any = FileName()


def check_injectors(injectors: Any, fields: list[str]) -> None:
    if not isinstance(injectors, dict) or set(injectors) - {"file", "env", "extra_vars"}:
        raise invalid("injectors", "Additional properties are not allowed")
    namespace: dict[str, Any] = {**dict.fromkeys(fields, "EXAMPLE"), "tower": Tower()}
    files = list(injectors.get("file", {}))
    if "template" in files:
        if len(files) > 1:
            raise invalid("injectors", "Must use multi-file syntax when injecting multiple files")
        namespace["tower"].filename = "EXAMPLE_FILENAME"
    for name in files:
        if not re.match(r"^template(\.[a-zA-Z_]+[a-zA-Z0-9_]*)?$", name):
            raise invalid("injectors", f"{name!r} does not match any of the regexes")
        if "." in name:
            setattr(namespace["tower"].filename, name.split(".")[1], "EXAMPLE_FILENAME")
    for name, template in injectors.get("env", {}).items():
        if not NAME.match(name) or not template.isascii():
            raise invalid("injectors", f"{name} does not match")
        if name.startswith("ANSIBLE_"):
            raise invalid("injectors", f"Environment variable {name} may affect Ansible configuration so its use is not allowed in credentials.")
        if name in ENV_BLOCKLIST:
            raise invalid("injectors", f"Environment variable {name} is not allowed to be used in credentials.")
    for name, template in [item for kind in injectors.values() for item in kind.items()]:
        try:
            ImmutableSandboxedEnvironment(undefined=StrictUndefined).from_string(template).render(namespace)
        except TemplateError as error:
            raise invalid("injectors", f"{name} uses an undefined field ({error})") from None


# -- credentials


def stored_inputs(kind: Mapping[str, Any], sent: Any, before: Mapping[str, str] | None) -> dict[str, str]:
    """Return what AWX stores of the inputs of a credential; `before` is what it has stored, `None` for a new one."""
    if not isinstance(sent, dict):
        raise invalid("inputs", f"{sent!r} is not of type 'object'")
    fields = {field["id"]: field for field in kind["inputs"].get("fields", ())}
    unknown = sorted(set(sent) - set(fields))
    if unknown:
        raise invalid("inputs", f"Additional properties are not allowed ({unknown[0]!r} was unexpected)")
    secrets = secret_fields(kind)
    stored: dict[str, Any] = {}
    for name, value in sent.items():
        field = fields[name]
        choices = field.get("choices", ())
        wanted = value or (choices[0] if choices else {"string": "", "boolean": False}[field["type"]])
        if not is_exactly(wanted, {"string": str, "boolean": bool}[field["type"]]):
            raise Refused(400, {"inputs": {name: [f"{wanted!r} is not of type '{field['type']}'"]}})
        if choices and wanted not in choices:
            raise Refused(400, {"inputs": {name: [f"{wanted!r} is not one of {choices}"]}})
        if name in secrets and wanted == SHOWN:
            if before is None:
                raise invalid("inputs", f"$encrypted$ is a reserved keyword, and cannot be used for {name}.")
            if name not in before:
                raise Refused(500, "<h1>Server Error (500)</h1>")
            wanted = before[name]
        if wanted or name not in secrets:
            stored[name] = wanted
    return stored


def shown_inputs(kind: Mapping[str, Any], stored: Mapping[str, str]) -> dict[str, str]:
    secrets = secret_fields(kind)
    return {name: SHOWN if name in secrets else value for name, value in stored.items()}


# -- surveys


def check_survey(survey: Any) -> None:
    for member, type_ in (("name", str), ("description", str), ("spec", list)):
        if member not in survey:
            raise Refused(400, {"error": f"Field '{member}' is missing from survey spec."})
        if not isinstance(survey[member], type_):
            raise Refused(400, {"error": f"Expected {type_.__name__} for field '{member}'."})
    if not survey["spec"]:
        raise Refused(400, {"error": "'spec' doesn't contain any items."})
    seen = set()
    for number, question in enumerate(survey["spec"]):
        for member, wanted in (("type", str), ("question_name", str), ("variable", str), ("required", bool)):
            if not isinstance(question.get(member), wanted):
                raise Refused(400, {"error": f"'{member}' missing from survey question {number}"})
        if question["type"] not in QUESTION_TYPES or question["variable"] in seen:
            raise Refused(400, {"error": f"survey question {number} has a wrong type or a variable that another one has"})
        seen.add(question["variable"])
        default = question.get("default", "")
        if question["type"] in ("integer", "float") and default != "" and not isinstance(default, (int, float)):
            raise Refused(400, {"error": f"Default value {default} in survey question {number} expected to be {question['type']}."})
        if question["type"] in ("multiselect", "multiplechoice"):
            if "choices" not in question:
                raise Refused(400, {"error": f"Survey question {number} of type {question['type']} must specify choices."})
            defaults = default.splitlines() if isinstance(default, str) else default
            if any(one not in question["choices"] for one in defaults):
                raise Refused(400, {"error": "Default choice must be answered from the choices listed."})
