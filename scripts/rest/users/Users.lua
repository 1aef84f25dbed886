-- SPDX-License-Identifier: ISC
-- Users.lua - all accounts: /rest/users/ and /rest/users/{domain}

local account = require "account"
local answer = require "answer"

local function refuse(service, callback)
    local why = service:why()
    if why and why.status == 404 then
        return callback(answer.not_here("list its accounts (XEP-0133, get-registered-users-list)"))
    end
    callback(answer.why(why))
end

local function all(service, callback, user)
    local domains = service:settings().domains
    local found = json.array {}
    if #domains == 0 then
        domains = { service:jid(user).domain }
    end
    for _, domain in ipairs(domains) do
        local list = account.list(service, domain)
        if not list then
            return refuse(service, callback)
        end
        for _, jid in ipairs(list) do
            found[#found + 1] = jid
        end
    end
    callback { users = ordered { { "items", found }, { "count", #found } } }
end

local function get(service, callback, user, domain)
    if domain == "" then
        return all(service, callback, user)
    end
    local jid = service:jid(domain)
    if not jid or jid.bare ~= jid.domain or not account.is_local(service, user, jid.domain) then
        return callback(answer.problem(404, "That domain is not served here"))
    end
    local list = account.list(service, jid.domain)
    if not list then
        return refuse(service, callback)
    end
    callback { users = ordered { { "items", json.array(list) }, { "count", #list }, { "domain", jid.domain } } }
end

return {
    regex = "/([^/]*)",
    required_role = "admin",
    is_async = true,
    exec_get = get,
    description = {
        regex = "/[{domain}]",
        get = {
            info = "Lists all accounts, or those of a domain",
            description = "501 where the XMPP server has no command for it, as Prosody.",
            answer_xml = "<users>\n  <items>\n    <item>alice@example.org</item>\n    <item>bob@example.org</item>\n"
                .. "  </items>\n  <count>2</count>\n  <domain>example.org</domain>\n</users>",
            answer_json = '{ "users": { "items": [ "alice@example.org", "bob@example.org" ], "count": 2, '
                .. '"domain": "example.org" } }',
        },
    },
}
