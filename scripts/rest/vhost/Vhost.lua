-- SPDX-License-Identifier: ISC
-- Vhost.lua - the domains that are served: /rest/vhost/
--
-- Which domains a server has is told by no standard: those of Stoa's own configuration are asked, and those
-- that answer as an XMPP server are shown.

local answer = require "answer"

local INFO = "http://jabber.org/protocol/disco#info"

local function is_served(service, domain)
    local reply = service:iq(xml.element("iq", { type = "get", to = domain },
        xml.element("query", { xmlns = INFO })), { as_user = true })
    if not reply then
        return nil
    end
    local query = reply.attr.type == "result" and reply:child("query", INFO)
    for _, identity in ipairs(query and query:children("identity", INFO) or {}) do
        if identity.attr.category == "server" then
            return true
        end
    end
    return false
end

local function get(service, callback, user)
    local domains = service:settings().domains
    local found = json.array {}
    if #domains == 0 then
        domains = { service:jid(user).domain }
    end
    for at, domain in ipairs(domains) do
        local served = is_served(service, domain)
        if served == nil then
            return callback(answer.why(service:why()))
        end
        if served and at == 1 then
            found[#found + 1] = ordered { { "vhost", domain }, { "default-virtual-host", true } }
        elseif served then
            found[#found + 1] = { vhost = domain }
        end
    end
    callback { vhosts = found }
end

return {
    regex = "/",
    required_role = "admin",
    is_async = true,
    exec_get = get,
    description = {
        regex = "/",
        get = {
            info = "Lists the domains that are served",
            description = "Those of xmpp/domains that answer; the first of them is the default one.",
            answer_xml = "<vhosts>\n  <item>\n    <vhost>example.org</vhost>\n"
                .. "    <default-virtual-host>true</default-virtual-host>\n  </item>\n</vhosts>",
            answer_json = '{ "vhosts": [ { "vhost": "example.org", "default-virtual-host": true } ] }',
        },
    },
}
