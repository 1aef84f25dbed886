-- SPDX-License-Identifier: ISC
-- UserAdmin.lua - accounts, administered: /rest/user/{local}@{domain}

local account = require "account"
local answer = require "answer"

local NO_BODY = "The body must be an object \"user\" (JSON) or an element <user> (XML)"

local function show(service, jid, facts)
    local user = {
        { "jid", jid.bare },
        { "domain", jid.domain },
        { "isAdmin", service:is_admin(jid.bare) },
        { "email", account.email(service, jid) },
    }
    if facts then
        user[#user + 1] = { "resources", json.array(facts.resources) }
        user[#user + 1] = { "lastLogin", facts.last_login }
    end
    return { user = ordered(user) }
end

-- What a PUT or POST wants, or nil and the answer that says what is wrong with it.
local function read(service, jid, content)
    local user = type(content) == "table" and content.user
    if type(user) ~= "table" then
        return nil, answer.problem(400, NO_BODY)
    end
    for _, name in ipairs { "password", "email" } do
        if user[name] ~= nil and type(user[name]) ~= "string" then
            return nil, answer.problem(400, "\"" .. name .. "\" must be a text")
        end
    end
    if user.email and user.email ~= "" and not account.is_email(user.email) then
        return nil, answer.problem(400, "\"email\" is not an address")
    end
    if user.isAdmin ~= nil and tostring(user.isAdmin) ~= tostring(service:is_admin(jid.bare)) then
        return nil, answer.problem(501, "Who is an administrator is set in the XMPP server's and Stoa's configuration")
    end
    return user
end

-- Looks the account up; calls back itself when that fails. Third: the facts, or false for none.
local function find(service, callback, user, localpart, domain)
    local jid = account.address(service, user, localpart, domain)
    if not jid then
        callback(answer.problem(404, "No such account: the domain is not served here, or the name is none"))
        return nil
    end
    local facts = account.look(service, jid)
    if facts == nil then
        local why = service:why()
        if why and why.status == 404 then
            callback(answer.not_here("look up accounts (XEP-0133, user-stats)"))
        else
            callback(answer.why(why))
        end
        return nil
    end
    return jid, facts
end

-- A command that changes something, over: nil when it is done, else the answer that says why not.
local function failure(service, command, what)
    if not command then
        local why = service:why()
        if why and why.status == 404 and why.condition == "service-unavailable" then
            return answer.not_here(what)
        end
        -- some servers say item-not-found for every value that they do not like
        return why and why.status == 404 and answer.problem(400, why.text) or answer.why(why)
    end
    if command.failed then
        return answer.problem(400, account.note(command))
    end
    return nil
end

local function get(service, callback, user, localpart, domain)
    local jid, facts = find(service, callback, user, localpart, domain)
    if not jid then
        return
    end
    if not facts then
        return callback(answer.problem(404, "No such account"))
    end
    callback(show(service, jid, facts))
end

local function put(service, callback, user, content, localpart, domain)
    if domain == nil then -- no body came, so all behind it moved up
        return callback(answer.problem(400, NO_BODY))
    end
    local jid, facts = find(service, callback, user, localpart, domain)
    if not jid then
        return
    end
    if facts then
        return callback(answer.problem(409, "User exists"))
    end
    local wish, refusal = read(service, jid, content)
    if wish and (not wish.password or wish.password == "") then
        wish, refusal = nil, answer.problem(400, "A new account needs a \"password\"")
    end
    if not wish then
        return callback(refusal)
    end
    local command = account.command(service, jid.domain, "add-user",
        { accountjid = jid.bare, password = wish.password, ["password-verify"] = wish.password, email = wish.email })
    refusal = failure(service, command, "add accounts (XEP-0133, add-user)")
    if refusal then
        return callback(refusal)
    end
    if wish.email and not account.keep_email(service, jid, wish.email) then
        return callback(answer.why(service:why()))
    end
    service:log("notice", user .. " added the account " .. jid.bare)
    callback(show(service, jid))
end

local function post(service, callback, user, content, localpart, domain)
    if domain == nil then -- no body came, so all behind it moved up
        return callback(answer.problem(400, NO_BODY))
    end
    local jid, facts = find(service, callback, user, localpart, domain)
    if not jid then
        return
    end
    if not facts then
        return callback(answer.problem(404, "No such account"))
    end
    local wish, refusal = read(service, jid, content)
    if wish and not wish.email and (not wish.password or wish.password == "") then
        wish, refusal = nil, answer.problem(400, "There is neither a \"password\" nor an \"email\" to change")
    end
    if not wish then
        return callback(refusal)
    end
    if wish.password and wish.password ~= "" then
        local command = account.command(service, jid.domain, "change-user-password",
            { accountjid = jid.bare, password = wish.password })
        refusal = failure(service, command, "change passwords (XEP-0133, change-user-password)")
        if refusal then
            return callback(refusal)
        end
        account.disconnect(service, jid)
        service:log("notice", user .. " changed the password of " .. jid.bare)
    end
    if wish.email and not account.keep_email(service, jid, wish.email) then
        return callback(answer.why(service:why()))
    end
    callback(show(service, jid))
end

local function delete(service, callback, user, localpart, domain)
    local jid, facts = find(service, callback, user, localpart, domain)
    if not jid then
        return
    end
    if not facts then
        return callback(answer.problem(404, "No such account"))
    end
    local command = account.command(service, jid.domain, "delete-user", { accountjids = { jid.bare } })
    local refusal = failure(service, command, "delete accounts (XEP-0133, delete-user)")
    if refusal then
        return callback(refusal)
    end
    -- Servers report single accounts in words only: whether it is gone is better looked at.
    if jid.bare ~= user and account.look(service, jid, true) then
        return callback(answer.problem(502, "The XMPP server did not delete the account"))
    end
    service:forget(jid.bare)
    service:kv_delete("email/" .. jid.bare)
    service:log("notice", user .. " deleted the account " .. jid.bare)
    callback { user = ordered { { "jid", jid.bare }, { "domain", jid.domain } } }
end

local SHOWN_XML = "<user>\n  <jid>alice@example.org</jid>\n  <domain>example.org</domain>\n  <isAdmin>false</isAdmin>\n</user>"
local SHOWN_JSON = '{ "user": { "jid": "alice@example.org", "domain": "example.org", "isAdmin": false } }'
local WISH_XML = "<user>\n  <password>secret</password>\n  <email>alice@mail.example</email>\n</user>"
local WISH_JSON = '{ "user": { "password": "secret", "email": "alice@mail.example" } }'

return {
    regex = "/([^@/]+)@([^@/]+)",
    required_role = "admin",
    is_async = true,
    exec_get = get,
    exec_put = put,
    exec_post = post,
    exec_delete = delete,
    description = {
        regex = "/{local}@{domain}",
        get = {
            info = "Shows an account",
            description = "With the resources that are online and, where the XMPP server tells it, the last login.",
            answer_xml = SHOWN_XML,
            answer_json = SHOWN_JSON,
        },
        put = {
            info = "Adds an account",
            description = "Needs a password; an e-mail address is kept by Stoa. 409 if the account exists.",
            request_xml = WISH_XML,
            request_json = WISH_JSON,
            answer_xml = SHOWN_XML,
            answer_json = SHOWN_JSON,
        },
        post = {
            info = "Changes an account's password or e-mail address",
            description = "A new password ends the account's sessions.",
            request_xml = WISH_XML,
            request_json = WISH_JSON,
            answer_xml = SHOWN_XML,
            answer_json = SHOWN_JSON,
        },
        delete = {
            info = "Deletes an account",
            answer_xml = "<user>\n  <jid>alice@example.org</jid>\n  <domain>example.org</domain>\n</user>",
            answer_json = '{ "user": { "jid": "alice@example.org", "domain": "example.org" } }',
        },
    },
}
