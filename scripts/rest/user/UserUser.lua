-- SPDX-License-Identifier: ISC
-- UserUser.lua - one's own account: /rest/user/

local account = require "account"
local answer = require "answer"

local REGISTER = "jabber:iq:register"

local function show(service, user)
    local jid = service:jid(user)
    return {
        user = ordered {
            { "jid", jid.bare },
            { "domain", jid.domain },
            { "isAdmin", service:is_admin(jid.bare) },
            { "email", account.email(service, jid) },
        },
    }
end

-- In-band registration (XEP-0077), over the user's own session: nobody else's account can be meant.
local function register(service, user, ...)
    return service:iq(xml.element("iq", { type = "set", to = service:jid(user).domain },
        xml.element("query", { xmlns = REGISTER }, ...)), { as_user = true })
end

-- nil when it is done, else the answer that says why not.
local function failure(service, reply, what)
    if not reply then
        return answer.why(service:why())
    end
    if reply.attr.type == "result" then
        return nil
    end
    local why = service:why()
    return why.status == 404 and answer.not_here(what) or answer.why(why)
end

local function get(service, callback, user)
    callback(show(service, user))
end

local function post(service, callback, user, content)
    local wish = type(content) == "table" and content.user
    if type(wish) ~= "table" or (type(wish.password) ~= "string" and type(wish.email) ~= "string") then
        return callback(answer.problem(400, "The body must be an object \"user\" with a \"password\" or an \"email\""))
    end
    local jid = service:jid(user)
    if type(wish.email) == "string" and wish.email ~= "" and not account.is_email(wish.email) then
        return callback(answer.problem(400, "\"email\" is not an address"))
    end
    if type(wish.password) == "string" then
        if wish.password == "" then
            return callback(answer.problem(400, "A password cannot be empty"))
        end
        local refusal = failure(service, register(service, user, xml.element("username", {}, jid.localpart),
            xml.element("password", {}, wish.password)), "change one's own password (XEP-0077)")
        if refusal then
            return callback(refusal)
        end
        service:forget(jid.bare)
        service:log("notice", jid.bare .. " changed the own password")
    end
    if type(wish.email) == "string" and not account.keep_email(service, jid, wish.email) then
        return callback(answer.why(service:why()))
    end
    callback(show(service, user))
end

-- Some servers end the sessions of an account that they remove before they answer on one of them. When the server
-- is there as ever, and only that session is not, that was the answer.
local function was_removed(service, reply, jid)
    if reply then
        return reply.attr.type == "result"
    end
    local why = service:why()
    if why.condition ~= "not-authorized" and why.condition ~= "remote-server-not-found" then
        return false
    end
    local ping = service:iq(xml.element("iq", { type = "get", to = jid.domain },
        xml.element("ping", { xmlns = "urn:xmpp:ping" })))
    return ping ~= nil
end

local function delete(service, callback, user)
    local jid = service:jid(user)
    local reply = register(service, user, xml.element("remove", {}))
    if not was_removed(service, reply, jid) then
        return callback(failure(service, reply, "remove one's own account (XEP-0077)"))
    end
    service:forget(jid.bare)
    service:kv_delete("email/" .. jid.bare)
    service:log("notice", jid.bare .. " removed the own account")
    callback { user = ordered { { "jid", jid.bare }, { "domain", jid.domain } } }
end

local SHOWN_XML = "<user>\n  <jid>alice@example.org</jid>\n  <domain>example.org</domain>\n  <isAdmin>false</isAdmin>\n</user>"
local SHOWN_JSON = '{ "user": { "jid": "alice@example.org", "domain": "example.org", "isAdmin": false } }'

return {
    regex = "/",
    required_role = "user",
    is_async = true,
    exec_get = get,
    exec_post = post,
    exec_delete = delete,
    description = {
        regex = "/",
        get = { info = "Shows the own account", answer_xml = SHOWN_XML, answer_json = SHOWN_JSON },
        post = {
            info = "Changes the own password or e-mail address",
            request_xml = "<user>\n  <password>secret</password>\n</user>",
            request_json = '{ "user": { "password": "secret" } }',
            answer_xml = SHOWN_XML,
            answer_json = SHOWN_JSON,
        },
        delete = {
            info = "Removes the own account",
            answer_xml = "<user>\n  <jid>alice@example.org</jid>\n  <domain>example.org</domain>\n</user>",
            answer_json = '{ "user": { "jid": "alice@example.org", "domain": "example.org" } }',
        },
    },
}
