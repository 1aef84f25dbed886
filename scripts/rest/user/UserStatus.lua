-- SPDX-License-Identifier: ISC
-- UserStatus.lua - another's presence: /rest/user/{local}@{domain}/status[/{resource}]
--
-- No XMPP standard lets somebody else show an account as present, so this says so, and clients that know the
-- address are not left with a riddle.

local answer = require "answer"

return {
    regex = "/([^@/]+)@([^@/]+)/status(?:/([^/]+))?",
    required_role = "admin",
    exec_post = function(service, callback)
        callback(answer.not_here("show an account as present that has no session of its own"))
    end,
    description = {
        regex = "/{local}@{domain}/status[/{resource}]",
        post = {
            info = "Shows an account as present (not offered by this XMPP server)",
            description = "Always answers 501: XMPP has no standard for it.",
        },
    },
}
