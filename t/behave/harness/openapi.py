# SPDX-License-Identifier: ISC
"""openapi.py - whether a document is OpenAPI 3.1: its shape as JSON Schema, then what a schema cannot say.

Strict: of the specification's fields those that we may write are known, and any other is an offence, so that
a misspelt one is found."""
import re

import jsonschema

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def _object(properties, required=(), **more):
    return dict({"type": "object", "properties": properties, "required": list(required),
                 "additionalProperties": False}, **more)


def _map(values, **more):
    return dict({"type": "object", "additionalProperties": values}, **more)


TEXT = {"type": "string", "minLength": 1}
REFERENCE = _object({"$ref": {"type": "string", "pattern": "^#/"}, "summary": TEXT, "description": TEXT}, ["$ref"])
# 3.1: the schema object is JSON Schema 2020-12, checked by its own meta-schema in check()
SCHEMA = {"type": ["object", "boolean"]}
MEDIA = _object({"schema": SCHEMA, "example": True, "examples": _map({"type": "object"})})
CONTENT = _map(MEDIA, propertyNames={"pattern": r"^[\w.+*-]+/[\w.+*-]+(;.*)?$"}, minProperties=1)
PARAMETER = _object({"name": TEXT, "in": {"enum": ["path", "query", "header", "cookie"]}, "description": TEXT,
                     "required": {"type": "boolean"}, "deprecated": {"type": "boolean"}, "schema": SCHEMA,
                     "example": True}, ["name", "in", "schema"],
                    **{"if": {"properties": {"in": {"const": "path"}}},
                       "then": {"properties": {"required": {"const": True}}, "required": ["required"]}})
RESPONSE = _object({"description": {"type": "string"}, "headers": _map({"type": "object"}), "content": CONTENT},
                   ["description"])


def _or_reference(schema):
    return {"if": {"type": "object", "required": ["$ref"]}, "then": REFERENCE, "else": schema}


OPERATION = _object({
    "tags": {"type": "array", "items": TEXT, "uniqueItems": True}, "summary": TEXT, "description": TEXT,
    "operationId": {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_]*$"},
    "parameters": {"type": "array", "items": _or_reference(PARAMETER)},
    "requestBody": _or_reference(_object({"description": TEXT, "content": CONTENT, "required": {"type": "boolean"}},
                                         ["content"])),
    "responses": _map(_or_reference(RESPONSE), minProperties=1,
                      propertyNames={"pattern": "^([1-5]([0-9][0-9]|XX)|default)$"}),
    "deprecated": {"type": "boolean"},
    "security": {"type": "array", "items": _map({"type": "array", "items": TEXT})},
}, ["operationId", "responses"])
SCHEME = {"oneOf": [
    _object({"type": {"const": "apiKey"}, "in": {"enum": ["query", "header", "cookie"]}, "name": TEXT,
             "description": TEXT}, ["type", "in", "name"]),
    _object({"type": {"const": "http"}, "scheme": TEXT, "bearerFormat": TEXT, "description": TEXT},
            ["type", "scheme"])]}
COMPONENT_NAME = {"pattern": r"^[a-zA-Z0-9._-]+$"}
DOCUMENT = _object({
    "openapi": {"type": "string", "pattern": r"^3\.1\.\d+$"},
    "info": _object({"title": TEXT, "version": TEXT, "summary": TEXT, "description": TEXT}, ["title", "version"]),
    "servers": {"type": "array", "items": _object({"url": TEXT, "description": TEXT}, ["url"])},
    "tags": {"type": "array", "items": _object({"name": TEXT, "description": TEXT}, ["name"])},
    "paths": _map(_object({method: OPERATION for method in METHODS}, minProperties=1),
                  propertyNames={"pattern": "^/"}),
    "components": _object({
        "securitySchemes": _map(SCHEME, propertyNames=COMPONENT_NAME),
        "schemas": _map(SCHEMA, propertyNames=COMPONENT_NAME),
        "responses": _map(RESPONSE, propertyNames=COMPONENT_NAME)}),
}, ["openapi", "info", "paths"])


def operations(document):
    """(path, method, operation) of each."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def _walk(value):
    yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _walk(child)


def resolve(document, value):
    """The value itself, or what its $ref points at."""
    while isinstance(value, dict) and "$ref" in value:
        at = document
        for part in value["$ref"][2:].split("/"):
            at = at[part.replace("~1", "/").replace("~0", "~")]
        value = at
    return value


def schema_validator(document, schema):
    """For values of a schema that stands somewhere in the document: its references begin at the document."""
    whole = dict(schema, components=document.get("components", {}))
    return jsonschema.Draft202012Validator(whole)


def check(document):
    """Raises when it is not a good document."""
    jsonschema.Draft202012Validator.check_schema(DOCUMENT)
    jsonschema.Draft202012Validator(DOCUMENT).validate(document)
    for value in _walk(document):
        if isinstance(value, dict) and isinstance(value.get("$ref"), str):
            resolve(document, value)
    ids, shapes = set(), {}
    schemes = document.get("components", {}).get("securitySchemes", {})
    tags = [tag["name"] for tag in document.get("tags", [])]
    assert len(tags) == len(set(tags)), tags
    for path, method, operation in operations(document):
        where = "%s %s" % (method, path)
        shape = re.sub(r"\{[^}]*\}", "{}", path)
        assert shapes.setdefault(shape, path) == path, "%s is the same as %s" % (path, shapes[shape])
        assert operation["operationId"] not in ids, where
        ids.add(operation["operationId"])
        parameters = [resolve(document, p) for p in operation.get("parameters", [])]
        assert len({(p["in"], p["name"]) for p in parameters}) == len(parameters), where
        assert sorted(re.findall(r"\{([^}]*)\}", path)) == sorted(p["name"] for p in parameters if p["in"] == "path"), \
            where
        assert set(operation.get("tags", [])) <= set(tags), where
        for requirement in operation.get("security", []):
            assert set(requirement) <= set(schemes), where
        assert any(status[0] == "2" for status in operation["responses"]), where
        assert method not in ("get", "head", "delete") or "requestBody" not in operation, where
    for value in _walk(document):
        if isinstance(value, dict) and isinstance(value.get("schema"), dict):
            jsonschema.Draft202012Validator.check_schema(value["schema"])
            if "example" in value:
                schema_validator(document, value["schema"]).validate(value["example"])
    for schema in document.get("components", {}).get("schemas", {}).values():
        jsonschema.Draft202012Validator.check_schema(schema)
