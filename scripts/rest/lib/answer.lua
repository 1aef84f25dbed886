-- SPDX-License-Identifier: ISC
-- answer.lua - errors as the caller reads them: callback(answer.problem(404, "..."))

local answer = {}

function answer.problem(status, text)
    return function(request, response)
        response:sendError(status, text)
    end
end

-- What service:why() says of a verb that answered nil.
function answer.why(why)
    if not why then
        return answer.problem(502, "The XMPP server's answer cannot be used")
    end
    return answer.problem(why.status, why.text)
end

-- The XMPP server has no command for it: a property of that server, not of this call.
function answer.not_here(what)
    return answer.problem(501, "This XMPP server offers no way to " .. what)
end

return answer
