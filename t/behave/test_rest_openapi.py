# SPDX-License-Identifier: ISC
"""GET /rest/openapi.json: a good OpenAPI 3.1 document, and what it says is so."""
import copy
import json
import xml.etree.ElementTree

import jsonschema
import pytest

from harness import openapi


def filled(path, operation):
    """The path with something sensible in place of each name."""
    values = {"jid": "localhost" if "/adhoc/" in path else "alice@localhost", "to": "alice@localhost",
              "local": "newcomer", "source": "vcard-temp", "service": "pubsub.localhost", "command": "list-nodes"}
    for parameter in operation.get("parameters", []):
        path = path.replace("{%s}" % parameter["name"], values.get(parameter["name"], "localhost"))
    return path


@pytest.fixture(scope="module")
def document(shared):
    reply = shared.request("GET", "/rest/openapi.json")
    assert (reply.status, reply["content-type"]) == (200, "application/json")
    return json.loads(reply.body)


@pytest.fixture(scope="module")
def listed(shared):
    return json.loads(shared.request("GET", "/rest/?type=application/json").body)["rest"]["endpoints"]


def test_it_is_a_good_document(document):
    openapi.check(document)


@pytest.mark.parametrize("spoil", [
    lambda d: d.update(openapi="3.0.3"),
    lambda d: d["info"].pop("version"),
    lambda d: d["paths"].update({"/x/{y}": {"get": {"operationId": "x", "responses": {"200": {"description": ""}}}}}),
    lambda d: d["paths"]["/rest/"]["get"].pop("responses"),
    lambda d: d["paths"]["/rest/"]["get"].update(sumary="misspelt"),
    lambda d: d["paths"]["/rest/"]["get"].update(operationId="getOpenapiJson"),
    lambda d: d["paths"]["/rest/"]["get"].update(security=[{"Nothing": []}]),
    lambda d: d["components"]["responses"].pop("Problem"),
    lambda d: d["components"]["schemas"]["Problem"].update(type="thing"),
])
def test_the_check_finds_what_is_wrong(document, spoil):
    spoilt = copy.deepcopy(document)
    spoil(spoilt)
    with pytest.raises((AssertionError, KeyError, jsonschema.ValidationError, jsonschema.SchemaError)):
        openapi.check(spoilt)


def test_no_key_and_no_login_is_needed_and_head_works(house):
    reply = house.request("HEAD", "/rest/openapi.json")
    assert reply.status == 200 and int(reply["content-length"]) > 1000


def test_each_method_of_the_list_is_an_operation(document, listed):
    found = {(o["summary"], method.upper()) for _, method, o in openapi.operations(document) if "summary" in o}
    for endpoint in listed:
        for method in endpoint["methods"]:
            assert (method["info"], method["method"]) in found, endpoint["path"]


def test_parts_that_may_be_left_out_are_paths_of_their_own(document):
    assert not [path for path in document["paths"] if "[" in path]
    assert {"/rest/avatar/{jid}", "/rest/avatar/{jid}/{source}", "/rest/stream/", "/rest/stream/{to}"} <= \
        set(document["paths"])


def test_security_is_what_the_server_asks_for(house, document):
    """Each operation, asked without key and login: refused by the key exactly when the document says so."""
    seen = set()
    for path, method, operation in openapi.operations(document):
        target = filled(path, operation)
        reply = house.request(method.upper(), target, {"Accept": "application/json"})
        needs = {name for requirement in operation["security"] for name in requirement}
        seen |= needs
        if "ApiKey" in needs:
            assert reply.status == 403, (method, target, reply)
        elif "Login" in needs:
            assert reply.status == 401, (method, target, reply)
        else:
            assert reply.status not in (401, 403), (method, target, reply)
    assert {"ApiKey", "Login"} <= seen


def test_refusals_are_the_problem_that_is_promised(house, document):
    schema = document["components"]["schemas"]["Problem"]
    reply = house.request("GET", "/rest/adhoc/localhost", {"Accept": "application/json"})
    assert (reply.status, reply["content-type"].split(";")[0]) == (403, "application/problem+json")
    problem = json.loads(reply.body)
    openapi.schema_validator(document, schema).validate(problem)
    assert problem["status"] == 403 and set(problem) <= set(schema["properties"])


def test_the_list_is_as_its_schema_says(house, document):
    """What has no parameter and needs nothing can be executed as it stands."""
    done = 0
    for path, method, operation in openapi.operations(document):
        if method != "get" or operation.get("parameters") or operation["security"]:
            continue
        reply = house.request("GET", path, {"Accept": "application/json"})
        assert reply.status == 200, path
        content = operation["responses"]["200"]["content"]
        if "application/json" in content:
            openapi.schema_validator(document, content["application/json"]["schema"]).validate(json.loads(reply.body))
        done += 1
    assert done >= 2


def test_examples_in_xml_say_the_same_as_those_in_json(document):
    """Where both are given: the same names, in the same order. Only pubsub has two languages of its own."""
    done = 0
    for path, method, operation in openapi.operations(document):
        if "pubsub" in operation.get("tags", []):
            continue
        contents = [operation.get("requestBody", {}).get("content", {})]
        contents += [r.get("content", {}) for r in operation["responses"].values()]
        for content in contents:
            if not {"application/json", "application/xml"} <= set(content):
                continue
            as_json = content["application/json"]["example"]
            as_xml = xml.etree.ElementTree.fromstring(content["application/xml"]["example"])
            assert len(as_json) == 1 and as_xml.tag == list(as_json)[0], (method, path)
            inner = as_json[as_xml.tag]
            if isinstance(inner, dict):
                assert [child.tag for child in as_xml] == list(inner), (method, path)
            done += 1
    assert done


def test_what_the_document_says_can_be_done(front):
    """Each operation but those that delete, with its own examples, beside real servers: the answer is one of
    those that were promised, and of the promised shape."""
    document = json.loads(front.nobody.get("/rest/openapi.json").body)
    openapi.check(document)
    good = []
    for path, method, operation in openapi.operations(document):
        if method == "delete" or "*/*" in operation.get("requestBody", {}).get("content", {}):
            continue
        content = operation.get("requestBody", {}).get("content", {})
        for kind, media in content.items() or [(None, {})]:
            body = None
            if kind:
                body = media["example"] if kind.endswith("xml") else json.dumps(media["example"])
                body = body.replace("user@example.org", "bob@localhost").replace("example.org", "localhost")
            who = front.bob if path == "/rest/user/" else front.admin  # it changes the password of who asks
            reply = who(method.upper(), filled(path, operation), body, kind=kind,
                                accept=None if kind else "application/json")
            where = (method, path, kind, reply)
            refusals = {401, 403, 405, 413, 415, 429, 500, 502, 503, 504}
            if "pubsub" in operation.get("tags", []):
                refusals.remove(403)  # of the XMPP server, to a component that it does not know
            assert reply.status not in refusals, where
            promised = operation["responses"]
            answer = openapi.resolve(document, promised.get(str(reply.status), promised["default"]))
            if (reply["content-type"] or "").endswith("json"):
                for name in (reply["content-type"], "application/json"):
                    schema = answer["content"].get(name, {}).get("schema")
                    if schema:
                        openapi.schema_validator(document, schema).validate(json.loads(reply.body))
            elif (reply["content-type"] or "").endswith("xml"):
                xml.etree.ElementTree.fromstring(reply.body)
            if reply.status == 200:
                good.append((method, path))
    assert {("get", "/rest/"), ("get", "/rest/openapi.json"), ("get", "/rest/adhoc/{jid}")} <= set(good), good


def test_open_access_is_told(make):
    house = make("http/rest/open-access=true")
    document = json.loads(house.request("GET", "/rest/openapi.json").body)
    openapi.check(document)
    assert not [o for _, _, o in openapi.operations(document) for r in o["security"] if "ApiKey" in r]


def test_paths_follow_the_context(make):
    house = make("http/rest/context-path=/api/v1")
    document = json.loads(house.request("GET", "/api/v1/openapi.json").body)
    openapi.check(document)
    assert all(path.startswith("/api/v1/") for path in document["paths"])
