-- SPDX-License-Identifier: ISC
-- Stats.lua - figures of the XMPP server: /rest/stats/ and /rest/stats/{component}
--
-- A component is a domain here. What can be known of it by standards is asked: how long it runs (XEP-0012),
-- what it is (XEP-0092), its own statistics (XEP-0039), and numbers of accounts (XEP-0133).

local account = require "account"
local answer = require "answer"

local LAST = "jabber:iq:last"
local VERSION = "jabber:iq:version"
local STATS = "http://jabber.org/protocol/stats"
local NODE = "http://jabber.org/protocol/admin#"
local STATS_MOST = 200

local function ask(service, domain, query)
    local reply = service:iq(xml.element("iq", { type = "get", to = domain }, query), { as_user = true })
    if not reply then
        return nil
    end
    return reply.attr.type == "result" and reply:child("query", query.xmlns or query.attr.xmlns) or false
end

local function add(data, var, label, value)
    if value ~= nil then
        data[#data + 1] = ordered { { "var", var }, { "label", label }, { "value", tostring(value) } }
    end
end

-- XEP-0039: first the names, then their values.
local function own_statistics(service, domain, data)
    local names = ask(service, domain, xml.element("query", { xmlns = STATS }))
    local wanted = {}
    for at, stat in ipairs(names and names:children("stat", STATS) or {}) do
        if at <= STATS_MOST and stat.attr.name then
            wanted[#wanted + 1] = xml.element("stat", { name = stat.attr.name })
        end
    end
    if #wanted == 0 then
        return
    end
    local values = ask(service, domain, xml.element("query", { xmlns = STATS }, table.unpack(wanted)))
    for _, stat in ipairs(values and values:children("stat", STATS) or {}) do
        add(data, stat.attr.name, stat.attr.units, stat.attr.value)
    end
end

local NUMBERS = {
    { "registered-users-num", "registeredusersnum", "Registered accounts" },
    { "online-users-num", "onlineusersnum", "Accounts online" },
    { "active-users-num", "activeusersnum", "Active accounts" },
    { "idle-users-num", "idleusersnum", "Idle accounts" },
    { "disabled-users-num", "disabledusersnum", "Disabled accounts" },
}

local function numbers(service, domain, data)
    local online = false
    for _, row in ipairs(NUMBERS) do
        local command = account.command(service, domain, "get-" .. row[1])
        local value = command and not command.failed and (account.values(command, row[2]) or {})[1]
        if value then
            add(data, row[2], row[3], value)
            online = online or row[2] == "onlineusersnum"
        end
    end
    if not online then
        -- a server that counts for nobody may still list
        local list = account.command(service, domain, "get-online-users-list", { max_items = "none" })
        local jids = list and not list.failed and account.values(list, "onlineuserjids")
        if jids then
            add(data, "onlineusersnum", "Accounts online", #jids)
        end
    end
end

-- {component, node, data}; nil: nobody answers there, service:why() tells.
local function figures(service, domain)
    local data = json.array {}
    local last = ask(service, domain, xml.element("query", { xmlns = LAST }))
    if last == nil then
        return nil
    end
    add(data, "uptime", "Seconds since the start", last and last.attr.seconds)
    local version = ask(service, domain, xml.element("query", { xmlns = VERSION }))
    for _, name in ipairs(version and { "name", "version", "os" } or {}) do
        local part = version:child(name, VERSION)
        add(data, "version/" .. name, "Software: " .. name, part and part:text())
    end
    numbers(service, domain, data)
    own_statistics(service, domain, data)
    if #data == 0 then
        return nil
    end
    return ordered { { "component", domain }, { "node", NODE }, { "data", data } }
end

local function get(service, callback, user, component)
    if component ~= "" then
        local jid = service:jid(component)
        if not jid or jid.bare ~= jid.domain or not account.is_local(service, user, jid.domain) then
            return callback(answer.problem(404, "No figures are kept of that component"))
        end
        local one = figures(service, jid.domain)
        if not one then
            local why = service:why()
            return callback(why and why.status >= 500 and answer.why(why)
                or answer.problem(404, "That component tells no figures"))
        end
        return callback { stats = one }
    end
    local domains = service:settings().domains
    if #domains == 0 then
        domains = { service:jid(user).domain }
    end
    local all = {}
    for _, domain in ipairs(domains) do
        all[#all + 1] = { domain, figures(service, domain) or { component = domain } }
    end
    callback { stats = ordered(all) }
end

return {
    regex = "/([^/]*)",
    required_role = "admin",
    is_async = true,
    exec_get = get,
    description = {
        regex = "/[{component}]",
        get = {
            info = "Shows figures of the XMPP server, or of one domain of it",
            description = "Uptime, software, numbers of accounts, and what else the server tells by standards.",
            answer_xml = "<stats>\n  <component>example.org</component>\n  <node>http://jabber.org/protocol/admin#</node>\n"
                .. "  <data>\n    <item>\n      <var>uptime</var>\n      <label>Seconds since the start</label>\n"
                .. "      <value>3600</value>\n    </item>\n  </data>\n</stats>",
            answer_json = '{ "stats": { "component": "example.org", "node": "http://jabber.org/protocol/admin#", '
                .. '"data": [ { "var": "uptime", "label": "Seconds since the start", "value": "3600" } ] } }',
        },
    },
}
