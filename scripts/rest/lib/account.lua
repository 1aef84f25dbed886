-- SPDX-License-Identifier: ISC
-- account.lua - accounts by the administration commands of XEP-0133, run as the administrator who is logged
-- in. Every server has some of these commands, none has all.

local account = {}

local ADMIN = "http://jabber.org/protocol/admin#"
local ITEMS = "http://jabber.org/protocol/disco#items"
local LIST_MOST = 2000 -- accounts that one answer may hold: more would not fit into a stanza

-- A command of that domain. nil: service:why() tells.
function account.command(service, domain, name, fields)
    return service:command(domain, ADMIN .. name, fields, { as_user = true })
end

-- The values of a field of a command's answer, as a list.
function account.values(command, var)
    for _, field in ipairs(command.fields) do
        if field.var == var then
            local value = field.value
            if value == nil or value == null then
                return {}
            end
            return type(value) == "table" and value or { value }
        end
    end
    return nil
end

function account.note(command)
    return command.note and command.note.value or "The XMPP server refused it without a reason"
end

-- Whether passwords and commands may be sent there: a domain that nobody here serves would be asked over the
-- network, and would see them.
function account.is_local(service, user, domain)
    local domains = service:settings().domains
    if #domains == 0 then
        return service:jid(user).domain == domain
    end
    for _, one in ipairs(domains) do
        local jid = service:jid(one)
        if jid and jid.domain == domain then
            return true
        end
    end
    return false
end

-- The address of an account as the server knows it, or nil.
function account.address(service, user, localpart, domain)
    local jid = service:jid(localpart .. "@" .. domain)
    if jid and jid.localpart and not jid.resource and account.is_local(service, user, jid.domain) then
        return jid
    end
    return nil
end

-- ---- lists ----

local function items(service, domain, node, add)
    local reply = service:iq(xml.element("iq", { type = "get", to = domain },
        xml.element("query", { xmlns = ITEMS, node = node })), { as_user = true })
    if not reply or reply.attr.type ~= "result" then
        return false
    end
    for _, item in ipairs(reply:child("query", ITEMS):children("item", ITEMS)) do
        add(item)
    end
    return true
end

-- Many accounts: the server's tree of disco items, which comes in pieces.
local function walk(service, domain)
    local found, pieces = {}, {}
    local function add(item)
        if item.attr.node then
            pieces[#pieces + 1] = item.attr.node
        elseif item.attr.jid then
            found[#found + 1] = item.attr.jid
        end
    end
    if not items(service, domain, "all users", add) then
        return nil
    end
    local at = 1
    while pieces[at] do
        if not items(service, domain, pieces[at], add) then
            return nil
        end
        at = at + 1
    end
    return found
end

-- All accounts of a domain as a list of JIDs. nil: service:why() tells; a status of 404 means that the server
-- has no such command.
function account.list(service, domain)
    local number = account.command(service, domain, "get-registered-users-num")
    local count = number and account.values(number, "registeredusersnum")
    if count and tonumber(count[1] or 0) > LIST_MOST then
        return walk(service, domain)
    end
    local command = account.command(service, domain, "get-registered-users-list")
    return command and (account.values(command, "registereduserjids") or {})
end

-- ---- one account ----

-- {resources, last_login} of an account that is there; false: there is none; nil: service:why() tells.
-- is_removed: it was just removed; sessions that are about to end then prove nothing.
function account.look(service, jid, is_removed)
    local stats = account.command(service, jid.domain, "user-stats", { accountjid = jid.bare })
    if not stats then
        return nil
    end
    if stats.failed then
        return false
    end
    local facts = { resources = account.values(stats, "onlineresources") or {} }
    if #facts.resources > 0 and not is_removed then
        return facts
    end
    -- Some servers answer alike for accounts that are offline and for those that do not exist. A last login
    -- proves one; without it only the list can tell; a server that has no list told the truth before.
    local login = account.command(service, jid.domain, "get-user-lastlogin", { accountjid = jid.bare })
    local last = login and not login.failed and (account.values(login, "lastlogin") or {})[1]
    if last and not is_removed and last:find("^[0-9]") then
        facts.last_login = last
        return facts
    end
    local all = account.list(service, jid.domain)
    if not all then
        return service:why().status == 404 and facts or nil
    end
    for _, one in ipairs(all) do
        if one == jid.bare then
            return facts
        end
    end
    return false
end

-- Ends what the account has open, here and at the server: an old password must open nothing any more.
function account.disconnect(service, jid)
    account.command(service, jid.domain, "end-user-session", { accountjids = { jid.bare } })
    service:forget(jid.bare)
end

-- ---- the address for mail: no server keeps one that can be asked for, so it is kept here ----

function account.email(service, jid)
    return service:kv_get("email/" .. jid.bare)
end

-- nil: it was not kept; service:why() tells.
function account.keep_email(service, jid, email)
    if email == "" then
        service:kv_delete("email/" .. jid.bare)
        return true
    end
    return service:kv_set("email/" .. jid.bare, email)
end

function account.is_email(text)
    return #text <= 254 and text:find("^[^@\\s\\x00-\\x1f<>\"]+@[^@\\s\\x00-\\x1f<>\"]+$") ~= nil
end

return account
