-- SPDX-License-Identifier: ISC
-- Prosody 0.12 or later: what Stoa needs. On Debian: /etc/prosody/conf.d/stoa.cfg.lua, then restart prosody.
--
-- Each name below xmpp/components in Stoa's config.tdsl is one Component section here, with the same secret.
-- Replace example.org by your domain; make the secrets with: openssl rand -hex 32

Component "upload.example.org"
    component_secret = "a long random secret"

Component "http.example.org"
    component_secret = "another long random secret"

-- Clients find every component whose name ends in the domain of their account. For any other name say so:
--
--   VirtualHost "example.org"
--       disco_items = { { "files.example.net", "File upload" } }
--
-- Two services that offer uploads confuse clients: leave http_file_share (and http_upload) out of
-- modules_enabled, and remove the Component sections that load them.
--
-- Prosody listens for components on 127.0.0.1 port 5347. The protocol has no encryption: to let Stoa run on
-- another machine, lead it through a tunnel rather than opening the port. Global section, when it must be:
--
--   component_ports = { 5347 }
--   component_interfaces = { "127.0.0.1", "::1" }
--
-- Do not set component_conflict_resolve = "kick_old": then a second Stoa, started by mistake, and the first
-- would throw each other out for ever. With the default the second one is refused and says so in its log.
--
-- For administration through Stoa (ad-hoc commands, announcements) its component becomes an administrator,
-- by exactly this name; global section:
--
--   admins = { "admin@example.org", "http.example.org" }
