// SPDX-License-Identifier: ISC
// index.js - the page GET /rest/: a form at each endpoint that tries it. Key and password are in this page's
// fields only: they are not stored, and the commands to copy do not hold them. Text from the server becomes
// text nodes, never markup.
"use strict";

(() => {
    const base = document.body.dataset.base;
    const TEXT_SHOWN = 200000; // characters of an answer
    let serial = 0;

    // ---- elements ----
    const make = (name, attributes, ...children) => {
        const element = document.createElement(name);
        for (const [key, value] of Object.entries(attributes || {})) {
            if (value === true) {
                element.setAttribute(key, "");
            } else if (value !== false && value !== null && value !== undefined) {
                element.setAttribute(key, value);
            }
        }
        element.append(...children);
        return element;
    };

    const field = (label, input, hint) => {
        input.id = "field-" + ++serial;
        const row = make("div", { class: "field" }, make("label", { for: input.id }, label), input);
        if (hint) {
            const note = make("span", { class: "hint", id: input.id + "-hint" }, hint);
            input.setAttribute("aria-describedby", note.id);
            row.append(note);
        }
        return row;
    };

    const plainInput = (attributes) =>
        make("input", Object.assign({ autocomplete: "off", autocapitalize: "none", spellcheck: "false" }, attributes));

    // ---- who asks: one set of fields for the whole page ----
    const given = new URLSearchParams(location.search).get("api-key");
    const key = plainInput({ type: "password", value: given });
    const user = plainInput({ type: "text", inputmode: "email", placeholder: "user@domain" });
    const password = plainInput({ type: "password", autocomplete: "new-password" });
    const format = make("select", {},
        make("option", { value: "application/json" }, "JSON"), make("option", { value: "application/xml" }, "XML"));
    const who = make("fieldset", {}, make("legend", {}, "Who asks"),
        make("div", { class: "fields" },
            field("API key", key), field("Account", user), field("Password", password), field("Format", format)),
        make("p", { class: "hint" }, "Stays in this page: nothing is stored, and a reload forgets it."));
    const whoForm = make("form", {}, who);
    whoForm.addEventListener("submit", (event) => event.preventDefault());
    document.querySelector(".page-head").append(whoForm);

    // ---- paths: "adhoc/{jid}", "avatar/{jid}[/{source}]" ----
    const names = (path) => [...path.matchAll(/\{([^}]*)\}/g)].map((match) => match[1]);
    // Slashes stay: some endpoints take several segments, and the server refuses encoded ones.
    const encode = (value) => encodeURIComponent(value).replace(/%40/g, "@").replace(/%2F/g, "/");

    // Brackets go or stay by what is filled in; a name without a value is left to what missing makes of it.
    const fill = (path, values, missing) => {
        const put = (text) => text.replace(/\{([^}]*)\}/g,
            (whole, name) => values[name] ? encode(values[name]) : missing(name));
        for (let inner; (inner = /\[([^[\]]*)\]/.exec(path));) {
            const wanted = names(inner[1]).some((name) => values[name]);
            path = path.slice(0, inner.index) + (wanted ? inner[1] : "") +
                path.slice(inner.index + inner[0].length);
        }
        return put(path);
    };

    const isOptional = (path, name) => {
        const at = path.indexOf("{" + name + "}");
        const before = path.slice(0, at);
        return before.split("[").length > before.split("]").length;
    };

    // ---- the command for curl ----
    const quote = (text) => "'" + text.replace(/'/g, "'\\''") + "'";

    const command = (call) => {
        const parts = ["curl " + (call.method === (call.body === null ? "GET" : "POST") ? "" : "-X " + call.method + " ") +
            quote(call.shown)];
        if (call.needsKey) {
            parts.push("-H 'Api-Key: <key>'");
        }
        if (call.needsLogin) {
            parts.push("-u " + quote(user.value || "<user>@<domain>"));
        }
        if (call.body !== null) {
            parts.push("-H " + quote("Content-Type: " + call.type));
            parts.push(call.file ? "--data-binary @" + quote(call.file.name) : "-d " + quote(call.body));
        } else {
            parts.push("-H " + quote("Accept: " + format.value));
        }
        return parts.join(" \\\n  ");
    };

    // ---- asking ----
    const credentials = () => {
        const bytes = new TextEncoder().encode(user.value + ":" + password.value);
        return "Basic " + btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
    };

    const send = async (call) => {
        const headers = new Headers({ Accept: format.value + ", image/*, */*;q=0.5" });
        if (call.needsKey || key.value) {
            headers.set("Api-Key", key.value);
        }
        if (user.value) {
            headers.set("Authorization", credentials());
        }
        if (call.body !== null) {
            headers.set("Content-Type", call.type);
        }
        return fetch(call.url, {
            method: call.method, headers, body: call.body === null ? undefined : call.file || call.body,
            credentials: "omit", cache: "no-store", redirect: "follow", referrerPolicy: "no-referrer",
        });
    };

    const pretty = (text, type) => {
        if (/\bjson\b/.test(type)) {
            try {
                return JSON.stringify(JSON.parse(text), null, 2);
            } catch (error) {
                return text;
            }
        }
        return text;
    };

    const show = async (answer, response) => {
        const type = response.headers.get("Content-Type") || "";
        const lines = [...response.headers].map(([name, value]) => name + ": " + value).join("\n");
        answer.append(
            make("p", { class: "status " + (response.ok ? "good" : "bad") },
                response.status + " " + response.statusText),
            make("h4", {}, "Fields"), make("pre", { tabindex: "0" }, lines));
        const blob = await response.blob();
        if (type.startsWith("image/")) {
            const image = make("img", { alt: "The image that was answered" });
            image.addEventListener("load", () => URL.revokeObjectURL(image.src));
            image.src = URL.createObjectURL(blob);
            answer.append(make("h4", {}, "Body, " + blob.size + " bytes"), image);
        } else if (blob.size > 0) {
            const text = pretty(await blob.text(), type);
            answer.append(make("h4", {}, "Body"), make("pre", { tabindex: "0" },
                text.length > TEXT_SHOWN ? text.slice(0, TEXT_SHOWN) + "\n[...]" : text));
        }
    };

    // ---- the form of one endpoint ----
    const examples = (details) => {
        const found = {};
        for (const pre of details.querySelectorAll('pre[data-what="Request"]')) {
            found["application/" + pre.dataset.type.toLowerCase()] = pre.textContent;
        }
        return found;
    };

    const build = (details) => {
        const { method, path } = details.dataset;
        const takesBody = "body" in details.dataset;
        const inputs = {};
        const fields = make("div", { class: "fields" });
        for (const name of names(path)) {
            inputs[name] = plainInput({ type: "text", required: !isOptional(path, name) });
            fields.append(field(name, inputs[name], isOptional(path, name) ? "may be empty" : ""));
        }
        const form = make("form", {}, make("fieldset", {}, make("legend", {}, "Try it"), fields));
        const inside = form.firstChild;
        const ready = takesBody ? examples(details) : {};
        const type = plainInput({ type: "text", value: Object.keys(ready)[0] || format.value });
        const body = make("textarea", { spellcheck: "false", autocomplete: "off", rows: "9" });
        const file = make("input", { type: "file" });
        if (takesBody) {
            const filled = () => Object.values(ready).includes(body.value) || body.value === "";
            const choose = () => {
                if (ready[format.value] && filled()) {
                    body.value = ready[format.value];
                    type.value = format.value;
                }
            };
            body.value = ready[type.value] || "";
            choose();
            format.addEventListener("change", choose);
            file.addEventListener("change", () => {
                if (file.files[0]) {
                    type.value = file.files[0].type || "application/octet-stream";
                }
            });
            inside.append(field("Content-Type", type), field("Body", body));
            if (details.dataset.body === "raw") {
                inside.append(field("or a file as the body", file));
            }
        }
        const button = make("button", { type: "submit" }, "Send");
        const copy = make("button", { type: "button", class: "quiet" }, "Copy the command");
        const answer = make("div", { class: "answer", role: "status", "aria-live": "polite" });
        inside.append(button, copy);
        form.append(answer);
        const curl = details.querySelector(".curl code");

        const call = () => {
            const values = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.value.trim()]));
            const hasBody = takesBody && (body.value !== "" || file.files.length > 0);
            const here = new URL(base, location.href.replace(/[?#].*/, "")).href;
            return {
                method, needsKey: "key" in details.dataset, needsLogin: "login" in details.dataset,
                url: here + fill(path, values, () => ""), shown: here + fill(path, values, (name) => "<" + name + ">"),
                type: type.value, body: hasBody ? body.value : null, file: hasBody ? file.files[0] : undefined,
            };
        };
        const refresh = () => {
            curl.textContent = command(call());
        };
        for (const place of [form, who]) {
            place.addEventListener("input", refresh);
            place.addEventListener("change", refresh);
        }
        copy.addEventListener("click", async () => {
            try {
                await navigator.clipboard.writeText(curl.textContent);
                copy.textContent = "Copied";
            } catch (error) {
                getSelection().selectAllChildren(curl);
                copy.textContent = "Selected: copy it with the keyboard";
            }
        });
        form.addEventListener("submit", async (event) => {
            event.preventDefault();
            if (method === "DELETE" && !confirm("This deletes for good. Go on?")) {
                return;
            }
            button.disabled = true;
            answer.replaceChildren(make("p", {}, "Waiting for the answer"));
            try {
                const response = await send(call());
                answer.replaceChildren();
                await show(answer, response);
            } catch (error) {
                answer.replaceChildren(make("p", { class: "status bad" }, "No answer: " + error.message));
            }
            button.disabled = false;
        });
        details.querySelector(".needs").after(form);
        refresh();
    };

    // ---- the page ----
    for (const details of document.querySelectorAll("details.method")) {
        details.addEventListener("toggle", () => {
            if (details.open && details.dataset.path !== undefined && !("built" in details.dataset)) {
                details.dataset.built = "";
                build(details);
            }
        });
    }

    const reveal = () => {
        const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
        if (target instanceof HTMLDetailsElement) {
            target.open = true;
            target.scrollIntoView();
        }
    };
    addEventListener("hashchange", reveal);
    reveal();
})();
