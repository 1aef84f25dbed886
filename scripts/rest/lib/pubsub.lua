-- SPDX-License-Identifier: ISC
-- pubsub.lua - the commands of /rest/pubsub/, made of XEP-0060, asked for by our component.
--
-- Each command has fields {var, label, type} and a function that gets their values and gives the fields of the
-- answer; or nil when the service refused, and service:why() tells why; or nil and {status, text}.

local pubsub = {}

local NS = "http://jabber.org/protocol/pubsub"
local OWNER = NS .. "#owner"
local DATA = "jabber:x:data"
local ITEMS = "http://jabber.org/protocol/disco#items"
local NODES_MOST = 500 -- asked one by one for the subscriptions of somebody

local DONE = { { var = "Note", type = "fixed", value = "Operation successful" } }

local function ask(service, to, kind, payload)
    local reply = service:iq(xml.element("iq", { type = kind, to = to }, payload))
    return reply and reply.attr.type == "result" and reply or nil
end

local function done(reply)
    return reply and DONE or nil
end

local function list(value)
    if value == nil or value == "" then
        return {}
    end
    return type(value) == "table" and not value.name and value or { value }
end

local function one(value)
    return list(value)[1]
end

local function needs(values, ...)
    for _, name in ipairs { ... } do
        local value = values[name]
        if value == nil or value == "" or (type(value) == "table" and next(value) == nil) then
            return { status = 400, text = "The field \"" .. name .. "\" is missing" }
        end
    end
end

-- Fields pubsub#... as a form of that kind; nil without any.
local function options(values, kind)
    local names, form = {}, { xml.element("field", { var = "FORM_TYPE", type = "hidden" },
        xml.element("value", {}, NS .. "#" .. kind)) }
    for name in pairs(values) do
        if name:find("^pubsub#") then
            names[#names + 1] = name
        end
    end
    table.sort(names)
    for _, name in ipairs(names) do
        local parts = {}
        for at, value in ipairs(list(values[name])) do
            parts[at] = xml.element("value", {}, tostring(value))
        end
        form[#form + 1] = xml.element("field", { var = name }, table.unpack(parts))
    end
    return #names > 0 and xml.element("x", { xmlns = DATA, type = "submit" }, table.unpack(form)) or nil
end

local function create(service, to, values)
    local form = options(values, "node_config")
    local parts = { xml.element("create", { node = one(values.node) }) }
    if form then
        parts[2] = xml.element("configure", {}, form)
    end
    if not ask(service, to, "set", xml.element("pubsub", { xmlns = NS }, table.unpack(parts))) then
        return nil
    end
    local owner, node = one(values.owner), one(values.node)
    if not owner then
        return DONE
    end
    return done(ask(service, to, "set", xml.element("pubsub", { xmlns = OWNER },
        xml.element("affiliations", { node = node },
            xml.element("affiliation", { jid = owner, affiliation = "owner" })))))
end

local function delete(service, to, values)
    return done(ask(service, to, "set", xml.element("pubsub", { xmlns = OWNER },
        xml.element("delete", { node = one(values.node) }))))
end

local function subscriptions(state)
    return function(service, to, values)
        local parts = {}
        for at, jid in ipairs(list(values.jids)) do
            parts[at] = xml.element("subscription", { jid = jid, subscription = state })
        end
        return done(ask(service, to, "set", xml.element("pubsub", { xmlns = OWNER },
            xml.element("subscriptions", { node = one(values.node) }, table.unpack(parts)))))
    end
end

-- An element, its text, or any other value as JSON.
local function payload(entry)
    if type(entry) == "table" and entry.name then
        return entry
    end
    if type(entry) == "string" then
        local good, element = pcall(xml.parse, entry)
        return good and element or xml.element("payload", {}, entry)
    end
    return xml.element("payload", {}, json.encode(entry))
end

local function publish(service, to, values)
    if one(values["expire-at"]) then
        return nil, { status = 501, text = "No standard lets a single item expire; set pubsub#item_expire of the node" }
    end
    local id = one(values["item-id"])
    local entry = values.entry
    if type(entry) == "table" and not entry.name and entry[1] ~= nil then
        entry = entry[1]
    end
    return done(ask(service, to, "set", xml.element("pubsub", { xmlns = NS },
        xml.element("publish", { node = one(values.node) },
            xml.element("item", { id = id }, payload(entry))))))
end

local function retract(service, to, values)
    return done(ask(service, to, "set", xml.element("pubsub", { xmlns = NS },
        xml.element("retract", { node = one(values.node), notify = "true" },
            xml.element("item", { id = one(values["item-id"]) })))))
end

local function disco(service, to, node, attribute)
    local reply = ask(service, to, "get", xml.element("query", { xmlns = ITEMS, node = node }))
    local found = json.array {}
    if not reply then
        return nil
    end
    for _, item in ipairs(reply:child("query", ITEMS):children("item", ITEMS)) do
        found[#found + 1] = item.attr[attribute]
    end
    return found
end

local function list_nodes(service, to)
    local nodes = disco(service, to, nil, "node")
    return nodes and { { var = "nodes", label = "Nodes", type = "text-multi", value = nodes } }
end

local function list_items(service, to, values)
    local node = one(values.node)
    local items = disco(service, to, node, "name")
    return items and {
        { var = "node", label = "Node", type = "text-single", value = node },
        { var = "items", label = "Items", type = "text-multi", value = items },
    }
end

local function retrieve_item(service, to, values)
    local node, id = one(values.node), one(values["item-id"])
    local reply = ask(service, to, "get", xml.element("pubsub", { xmlns = NS },
        xml.element("items", { node = node }, xml.element("item", { id = id }))))
    local items = reply and reply:child("pubsub", NS):child("items", NS)
    if not reply then
        return nil
    end
    for _, item in ipairs(items and items:children("item", NS) or {}) do
        if item.attr.id == id then
            return {
                { var = "node", label = "Node", type = "text-single", value = node },
                { var = "item-id", label = "Item ID", type = "text-single", value = id },
                { var = "item", label = "Item", type = "text-multi", value = { item } },
            }
        end
    end
    return nil, { status = 404, text = "There is no item of that id" }
end

local function bare(service, text)
    local jid = service:jid(text or "")
    return jid and jid.bare
end

local function retrieve_subscriptions(service, to, values)
    local nodes, found = disco(service, to, nil, "node"), json.array {}
    local who, pattern = bare(service, one(values.jid)), one(values["node-pattern"])
    if not who then
        return nil, { status = 400, text = "The field \"jid\" is no JID" }
    end
    if not nodes then
        return nil
    end
    if #nodes > NODES_MOST then
        return nil, { status = 501, text = "The service has too many nodes to ask each for its subscriptions" }
    end
    for _, node in ipairs(nodes) do
        local reply = (not pattern or node:find("^(?:" .. pattern .. ")$")) and
            ask(service, to, "get", xml.element("pubsub", { xmlns = OWNER },
                xml.element("subscriptions", { node = node })))
        local all = reply and reply:child("pubsub", OWNER):child("subscriptions", OWNER)
        for _, one_of in ipairs(all and all:children("subscription", OWNER) or {}) do
            if one_of.attr.subscription == "subscribed" and bare(service, one_of.attr.jid) == who then
                found[#found + 1] = node
                break
            end
        end
    end
    return { { var = "nodes", label = "Nodes", type = "text-multi", value = found } }
end

local NODE = { var = "node", label = "The node", type = "text-single", required = true }
local ITEM = { var = "item-id", label = "The item's id", type = "text-single", required = true }
local JIDS = { var = "jids", label = "JIDs", type = "jid-multi", required = true }

pubsub.commands = {
    ["create-node"] = { name = "Create node", run = create, fields = {
        NODE,
        { var = "owner", label = "Owner", type = "jid-single" },
        { var = "pubsub#node_type", label = "Type of the node", type = "list-single", value = "leaf" },
    } },
    ["delete-node"] = { name = "Delete node", run = delete, fields = { NODE } },
    ["subscribe-node"] = { name = "Subscribe to node", run = subscriptions("subscribed"), fields = { NODE, JIDS } },
    ["unsubscribe-node"] = { name = "Unsubscribe from node", run = subscriptions("none"), fields = { NODE, JIDS } },
    ["publish-item"] = { name = "Publish item", run = publish, fields = {
        NODE,
        { var = "item-id", label = "The item's id", type = "text-single" },
        { var = "expire-at", label = "When it expires (not offered)", type = "text-single" },
        { var = "entry", label = "Payload", type = "text-multi", required = true },
    } },
    ["delete-item"] = { name = "Delete item", run = retract, fields = { NODE, ITEM } },
    ["list-nodes"] = { name = "List of available nodes", run = list_nodes, fields = {} },
    ["list-items"] = { name = "List of items of a node", run = list_items, fields = { NODE } },
    ["retrieve-item"] = { name = "Retrieve item", run = retrieve_item, fields = { NODE, ITEM } },
    ["retrieve-user-subscriptions"] = { name = "Retrieve subscriptions", run = retrieve_subscriptions, fields = {
        { var = "jid", label = "JID", type = "jid-single", required = true },
        { var = "node-pattern", label = "Expression that nodes must match", type = "text-single" },
    } },
}

pubsub.names = {}
for name in pairs(pubsub.commands) do
    pubsub.names[#pubsub.names + 1] = name
end
table.sort(pubsub.names)

-- Runs one; as described at the top.
function pubsub.run(service, to, name, values)
    local command = pubsub.commands[name]
    for _, field in ipairs(command.fields) do
        local missing = field.required and needs(values, field.var)
        if missing then
            return nil, missing
        end
    end
    return command.run(service, to, values)
end

return pubsub
