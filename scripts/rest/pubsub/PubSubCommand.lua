-- SPDX-License-Identifier: ISC
-- PubSubCommand.lua - the same commands in short: one element or member per field.
-- /rest/pubsub/{service}/{command}
--
-- The body is read here and not by Stoa: a payload keeps its namespaces and attributes only as XML.

local pubsub = require "pubsub"
local answer = require "answer"

local function wants_json(request)
    if request.type ~= "" then
        return request.type == "application/json"
    end
    local named = request.query.type or request.headers.accept or ""
    return named:find("application/json", 1, true) ~= nil
end

local function send(callback, is_json, status, text)
    callback(function(request, response)
        response:setStatus(status)
        response:setContentType(is_json and "application/json" or "application/xml")
        response:write(text)
    end)
end

-- ---- reading ----

local function element_value(element)
    local parts, values = {}, element:children("value")
    if #values > 0 then
        for at, value in ipairs(values) do
            parts[at] = element_value(value)
        end
        return parts
    end
    for _, child in ipairs(element) do
        if type(child) == "table" then
            parts[#parts + 1] = child
        end
    end
    return parts[1] or element:text()
end

local function read_xml(body)
    local good, data = pcall(xml.parse, body)
    if not good or not data or data.name ~= "data" then
        return nil, { status = 400, text = "The body must be one element <data>" }
    end
    local values = {}
    for _, child in ipairs(data) do
        if type(child) == "table" and child.attr.prefix == "true" then
            for _, part in ipairs(child) do
                if type(part) == "table" then
                    values[child.name .. "#" .. part.name] = element_value(part)
                end
            end
        elseif type(child) == "table" then
            values[child.name] = element_value(child)
        end
    end
    return values
end

local function read_json(body)
    local good, values = pcall(json.decode, body)
    if not good or type(values) ~= "table" then
        return nil, { status = 400, text = "The body must be one JSON object" }
    end
    for name, value in pairs(values) do
        if value == null then
            values[name] = nil
        end
    end
    return values
end

-- ---- writing ----

local function add_values(value)
    local parts = {}
    for _, one in ipairs(type(value) == "table" and value or { value }) do
        parts[#parts + 1] = xml.element("value", {}, type(one) == "table" and one or tostring(one))
    end
    return table.unpack(parts)
end

local function as_xml(root, title, fields)
    local parts = {}
    if title then
        parts[1] = xml.element("title", {}, title)
    end
    for _, field in ipairs(fields) do
        local attributes = { label = field.label, type = field.type }
        local group, name = field.var:match("^([^#]+)#(.+)$")
        if group then
            parts[#parts + 1] = xml.element(group, { prefix = "true" },
                xml.element(name, attributes, add_values(field.value)))
        else
            parts[#parts + 1] = xml.element(field.var, attributes, add_values(field.value))
        end
    end
    return xml.element(root, {}, table.unpack(parts)):tostring()
end

local function as_json(title, fields)
    local members = {}
    if title then
        members[1] = { "title", title }
    end
    for _, field in ipairs(fields) do
        local value = field.value
        if type(value) == "table" then
            local texts = json.array {}
            for at, one in ipairs(value) do
                texts[at] = type(one) == "table" and one:tostring() or one
            end
            value = texts
        elseif field.type:find("-multi", 1, true) then
            value = json.array { value }
        end
        members[#members + 1] = { field.var, value == nil and "" or value }
    end
    return json.encode(ordered(members))
end

-- The reference answers errors with 200; so does Stoa where it was told to do as that does.
local function send_error(service, callback, is_json, why)
    local status = service:settings().reference_errors and 200 or why.status
    if is_json then
        return send(callback, true, status, json.encode(ordered { { "error", why.condition }, { "text", why.text } }))
    end
    send(callback, false, status, xml.element("error", {},
        xml.element(why.condition, { xmlns = "urn:ietf:params:xml:ns:xmpp-stanzas" }),
        xml.element("text", { xmlns = "urn:ietf:params:xml:ns:xmpp-stanzas" }, why.text)):tostring())
end

local function find(callback, name)
    if not pubsub.commands[name] then
        callback(answer.problem(404, "No such command; GET /rest/pubsub/{service} lists them"))
        return nil
    end
    return pubsub.commands[name]
end

local function get(service, callback, to, name)
    local command = find(callback, name)
    if not command then
        return
    end
    local is_json = wants_json(service:request())
    local text = is_json and as_json(nil, command.fields) or as_xml("data", nil, command.fields)
    send(callback, is_json, 200, text)
end

local CONDITIONS = { [400] = "bad-request", [404] = "item-not-found", [501] = "feature-not-implemented" }

local function post(service, callback, ...)
    local arguments = { ... }
    local to, name = arguments[#arguments - 1], arguments[#arguments]
    local command = find(callback, name)
    if not command then
        return
    end
    local request = service:request()
    local is_json = wants_json(request)
    local values, wrong = {}, nil
    if request.body ~= "" then
        values, wrong = (is_json and read_json or read_xml)(request.body)
    end
    local fields
    if values then
        fields, wrong = pubsub.run(service, to, name, values)
    end
    if fields then
        local title = fields[1].var ~= "Note" and command.name or nil
        return send(callback, is_json, 200, is_json and as_json(title, fields) or as_xml("result", title, fields))
    end
    if wrong then
        wrong.condition = CONDITIONS[wrong.status]
    end
    send_error(service, callback, is_json, wrong or service:why())
end

return {
    regex = "/([^@/]+)/([^/]+)",
    is_async = true,
    decode_content = false,
    exec_get = get,
    exec_post = post,
    description = {
        regex = "/{service}/{command}",
        get = {
            info = "Shows the fields of a command",
            answer_xml = '<data><node label="The node" type="text-single"/></data>',
            answer_json = '{ "node": "" }',
        },
        post = {
            info = "Runs a command",
            description = "create-node, delete-node, subscribe-node, unsubscribe-node, publish-item, delete-item, "
                .. "list-nodes, list-items, retrieve-item, retrieve-user-subscriptions; by our component, which the "
                .. "service must let do it.",
            request_xml = '<data>\n  <node>example</node>\n  <pubsub prefix="true">\n    <node_type>leaf</node_type>\n'
                .. "  </pubsub>\n</data>",
            request_json = '{ "node": "example", "pubsub#node_type": "leaf" }',
            answer_xml = '<result><Note type="fixed"><value>Operation successful</value></Note></result>',
            answer_json = '{ "Note": "Operation successful" }',
        },
    },
}
