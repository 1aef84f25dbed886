-- SPDX-License-Identifier: ISC
-- PubSub.lua - commands of a pubsub service as a list, and run as the ad-hoc commands of /rest/adhoc are:
-- /rest/pubsub/{service}

local pubsub = require "pubsub"
local answer = require "answer"

local function get(service, callback, to)
    local items = json.array {}
    for at, name in ipairs(pubsub.names) do
        items[at] = ordered { { "jid", to }, { "node", name }, { "name", pubsub.commands[name].name } }
    end
    callback { items = items }
end

-- Elements are told as their XML text here.
local function plain(value)
    if type(value) ~= "table" then
        return value
    end
    local out = json.array {}
    for at, part in ipairs(value) do
        out[at] = type(part) == "table" and part:tostring() or part
    end
    return #out == 1 and out[1] or out
end

local function shown(fields, value_of)
    local out = json.array {}
    for at, field in ipairs(fields) do
        out[at] = ordered { { "var", field.var }, { "label", field.label }, { "type", field.type },
            { "value", value_of(field) } }
    end
    return out
end

local function post(service, callback, content, to)
    local wish = type(content) == "table" and content.command
    if type(wish) ~= "table" or type(wish.node) ~= "string" or wish.node == "" then
        return callback(answer.problem(400, "The body must be a \"command\" with a \"node\""))
    end
    local values, given = {}, type(wish.fields) == "table" and wish.fields or {}
    for _, field in ipairs(given) do
        if type(field) ~= "table" or type(field.var) ~= "string" then
            return callback(answer.problem(400, "Each of the fields needs a \"var\" and a \"value\""))
        end
        values[field.var] = field.value ~= null and field.value or nil
    end
    if not pubsub.commands[wish.node] then -- one of the service's own
        local command = service:command(to, wish.node, values)
        if not command then
            return callback(answer.why(service:why()))
        end
        command.status, command.failed, command.left = nil, nil, nil
        return callback { command = command }
    end
    local fields
    if #given == 0 and #pubsub.commands[wish.node].fields > 0 then
        fields = shown(pubsub.commands[wish.node].fields, function(field) return field.value end)
    else
        local result, why = pubsub.run(service, to, wish.node, values)
        if not result then
            return callback(answer.why(why or service:why()))
        end
        fields = shown(result, function(field) return plain(field.value) end)
    end
    callback { command = ordered { { "jid", to }, { "node", wish.node }, { "fields", fields } } }
end

return {
    regex = "/([^@/]+)",
    is_async = true,
    exec_get = get,
    exec_post = function(service, callback, content, to)
        if to == nil then -- no body came: the first argument is the group
            return callback(answer.problem(400, "The body must be a \"command\" with a \"node\""))
        end
        post(service, callback, content, to)
    end,
    description = {
        regex = "/{service}",
        get = {
            info = "Lists the commands for a pubsub service",
            answer_xml = "<items>\n  <item>\n    <jid>pubsub.example.org</jid>\n    <node>create-node</node>\n"
                .. "    <name>Create node</name>\n  </item>\n</items>",
            answer_json = '{ "items": [ { "jid": "pubsub.example.org", "node": "create-node", '
                .. '"name": "Create node" } ] }',
        },
        post = {
            info = "Runs one of them",
            description = "Without fields the fields of the command come back.",
            request_xml = "<command>\n  <node>delete-node</node>\n  <fields>\n    <item>\n      <var>node</var>\n"
                .. "      <value>example</value>\n    </item>\n  </fields>\n</command>",
            request_json = '{ "command": { "node": "delete-node", "fields": [ { "var": "node", "value": "example" } ] } }',
            answer_xml = "<command>\n  <jid>pubsub.example.org</jid>\n  <node>delete-node</node>\n  <fields>\n"
                .. "    <item>\n      <var>Note</var>\n      <type>fixed</type>\n"
                .. "      <value>Operation successful</value>\n    </item>\n  </fields>\n</command>",
            answer_json = '{ "command": { "jid": "pubsub.example.org", "node": "delete-node", "fields": '
                .. '[ { "var": "Note", "type": "fixed", "value": "Operation successful" } ] } }',
        },
    },
}
