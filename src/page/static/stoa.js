/* SPDX-License-Identifier: ISC */
/* stoa.js - what pages do better with JavaScript. Each page works without; attributes say what it does, and
 * src/page/README.md lists them.
 *
 * No text is ever made into HTML here: the Content-Security-Policy forbids it (Trusted Types without any
 * policy). Answers of our own server come parsed by XMLHttpRequest, whose documents run no script. */
"use strict";
(() => {
    const root = document.documentElement;
    const texts = document.currentScript.dataset; // of texts.tbl, by the layout
    root.classList.add("js");

    // ---- helpers ----
    const make = (name, attributes, ...children) => {
        const element = document.createElement(name);
        for (const [key, value] of Object.entries(attributes || {})) {
            element.setAttribute(key, value);
        }
        element.append(...children);
        return element;
    };
    const each = (where, selector, call) => {
        if (where.matches && where.matches(selector)) {
            call(where);
        }
        where.querySelectorAll(selector).forEach(call);
    };
    const byReference = (reference) => document.getElementById((reference || "").replace(/^#/, ""));
    let serial = 0;

    const live = make("p", { class: "visually-hidden", role: "status" });
    document.body.append(live);
    const say = (text) => {
        live.textContent = text;
    };

    // ---- side menus: open where there is room ----
    const wide = matchMedia("(min-width: 56rem)");
    const fold = () => each(document, "details.side, details[data-wide]", (menu) => {
        menu.open = wide.matches;
    });
    wide.addEventListener("change", fold);

    // ---- times ----
    const units = [["year", 31557600], ["month", 2629800], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
    const words = new Intl.RelativeTimeFormat(root.lang || "en", { numeric: "auto" });
    const whole = new Intl.DateTimeFormat(root.lang || "en", { dateStyle: "medium", timeStyle: "medium" });
    const tell = (time) => {
        const then = Date.parse(time.dateTime);
        if (Number.isNaN(then)) {
            return;
        }
        const seconds = (then - Date.now()) / 1000;
        const [unit, size] = units.find((row) => Math.abs(seconds) >= row[1]) || units[units.length - 1];
        const text = Math.abs(seconds) < 5 ? texts.justNow : words.format(Math.round(seconds / size), unit);
        if (time.textContent !== text) {
            time.textContent = text;
        }
        time.title = whole.format(then);
    };
    setInterval(() => each(document, "time[data-relative]", tell), 30000);

    // ---- filter ----
    const itemsOf = (list) => {
        const marked = list.querySelectorAll("[data-filter-item]");
        return [...(marked.length ? marked : list.querySelectorAll("tbody tr").length ? list.querySelectorAll("tbody tr")
            : list.querySelectorAll("li"))];
    };
    const filter = (input) => {
        const list = byReference(input.dataset.filter);
        if (!list) {
            return;
        }
        const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
        let shown = 0;
        for (const item of itemsOf(list)) {
            const text = (item.textContent + " " + (item.dataset.filterText || "")).toLowerCase();
            item.hidden = !wanted.every((word) => text.includes(word));
            shown += item.hidden ? 0 : 1;
        }
        each(list, "[data-filter-group]", (group) => {
            group.hidden = itemsOf(group).every((item) => item.hidden);
        });
        each(document, "[data-filter-none]", (none) => {
            if (byReference(none.dataset.filterNone) === list) {
                none.hidden = shown > 0;
            }
        });
        each(document, "[data-filter-count]", (count) => {
            if (byReference(count.dataset.filterCount) === list) {
                count.textContent = String(shown);
            }
        });
        return shown;
    };
    let filterTimer;
    document.addEventListener("input", (event) => {
        if (event.target.matches("input[data-filter]")) {
            const shown = filter(event.target);
            clearTimeout(filterTimer);
            filterTimer = setTimeout(() => say(texts.shown + ": " + shown), 700);
        }
    });

    // ---- tables ----
    const prepareSort = (head) => {
        if (head.querySelector("button.sort")) {
            return;
        }
        const button = make("button", { type: "button", class: "sort" }, ...head.childNodes);
        head.replaceChildren(button);
    };
    const sort = (head) => {
        const table = head.closest("table");
        const column = [...head.parentNode.children].indexOf(head);
        const direction = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
        const isNumber = head.dataset.sort === "number";
        const valueOf = (row) => {
            const cell = row.children[column];
            const text = cell ? (cell.dataset.value === undefined ? cell.textContent.trim() : cell.dataset.value) : "";
            return isNumber ? parseFloat(text.replace(/[\s']/g, "")) : text;
        };
        const order = new Intl.Collator(undefined, { numeric: true });
        for (const body of table.tBodies) {
            const rows = [...body.rows].map((row) => [valueOf(row), row]);
            rows.sort(([a], [b]) => {
                if (!isNumber) {
                    return direction * order.compare(a, b);
                }
                // what is no number comes last in both directions
                return Number.isNaN(a) || Number.isNaN(b) ? Number.isNaN(a) - Number.isNaN(b) : direction * (a - b);
            });
            body.append(...rows.map((row) => row[1]));
        }
        each(table, "th[aria-sort]", (other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
        say(head.textContent.trim() + ": " + (direction > 0 ? texts.sortedUp : texts.sortedDown));
    };

    // ---- copying ----
    const copy = async (button) => {
        const from = byReference(button.dataset.copy);
        const before = button.textContent;
        if (!from || button.dataset.busy) {
            return;
        }
        try {
            await navigator.clipboard.writeText("value" in from ? from.value : from.textContent);
            button.textContent = texts.copied;
        } catch (error) {
            if (from.select) {
                from.select();
            } else {
                getSelection().selectAllChildren(from);
            }
            button.textContent = texts.selected;
        }
        say(button.textContent);
        button.dataset.busy = "1";
        setTimeout(() => {
            button.textContent = before;
            delete button.dataset.busy;
        }, 2500);
    };

    // ---- questions ----
    const ask = (question, yes) => new Promise((answer) => {
        const id = "ask-" + ++serial;
        const dialog = make("dialog", { "aria-labelledby": id, role: "alertdialog" },
            make("form", { method: "dialog" },
                make("p", { id }, question),
                make("p", { class: "actions" },
                    make("button", { value: "yes", class: "danger" }, yes || texts.goOn),
                    make("button", { value: "no", class: "quiet", autofocus: "" }, texts.cancel))));
        dialog.addEventListener("close", () => {
            answer(dialog.returnValue === "yes");
            dialog.remove();
        });
        document.body.append(dialog);
        dialog.showModal();
    });

    // ---- what is wrong in a form, told before it is sent ----
    const errorId = (control) => (control.id || (control.id = "field-" + ++serial)) + "-said";
    const clearError = (control) => {
        const said = document.getElementById(errorId(control));
        if (said) {
            said.remove();
            const others = (control.getAttribute("aria-describedby") || "").split(" ").filter((id) => id !== errorId(control));
            control.setAttribute("aria-describedby", others.join(" "));
            control.removeAttribute("aria-invalid");
        }
    };
    const showError = (control, text) => {
        clearError(control);
        const said = make("p", { class: "field-error", id: errorId(control) }, text);
        (control.closest(".check") || control).before(said);
        control.setAttribute("aria-invalid", "true");
        control.setAttribute("aria-describedby", ((control.getAttribute("aria-describedby") || "") + " " + said.id).trim());
    };
    const labelOf = (control) => {
        const label = control.labels && control.labels[0];
        const group = control.closest("fieldset");
        const from = control.type === "radio" && group ? group.querySelector("legend") : label;
        return from ? [...from.childNodes].filter((n) => n.nodeType === 3).map((n) => n.textContent).join("").trim() : control.name;
    };
    const check = (form) => {
        const told = new Set();
        const bad = [...form.elements].filter((control) => {
            if (!control.willValidate) {
                return false;
            }
            clearError(control);
            if (control.validity.valid || (control.type === "radio" && told.has(control.name))) {
                return false;
            }
            told.add(control.name);
            showError(control, control.dataset.message || control.validationMessage);
            return true;
        });
        each(form, ".errors", (old) => old.remove());
        if (bad.length === 0) {
            return true;
        }
        const links = bad.map((control) => {
            const link = make("a", { href: "#" + control.id }, labelOf(control) + ": " +
                (control.dataset.message || control.validationMessage));
            return make("li", {}, link);
        });
        const summary = make("div", { class: "errors", role: "alert", tabindex: "-1" },
            make("h2", {}, texts.toCorrect + ": " + bad.length),
            make("ul", {}, ...links));
        form.prepend(summary);
        summary.focus();
        return false;
    };
    document.addEventListener("input", (event) => {
        if (event.target.getAttribute("aria-invalid") === "true" && event.target.validity && event.target.validity.valid) {
            clearError(event.target);
        }
    });
    document.addEventListener("click", (event) => {
        const link = event.target.closest(".errors a[href^='#']");
        const control = link && byReference(link.getAttribute("href"));
        if (control) {
            event.preventDefault();
            control.focus();
            control.scrollIntoView({ block: "center" });
        }
    });

    // ---- parts: an answer takes the place of something on the page ----
    const fetchPart = (method, address, body, onProgress) => new Promise((done, failed) => {
        const request = new XMLHttpRequest();
        request.open(method, address);
        request.responseType = "document";
        request.setRequestHeader("Stoa-Part", "1");
        request.setRequestHeader("Accept", "text/html");
        request.onload = () => done(request);
        request.onerror = request.ontimeout = () => failed(new Error(texts.unreachable));
        if (onProgress) {
            request.upload.onprogress = onProgress;
        }
        request.send(body);
    });

    const put = (target, page) => {
        target.replaceChildren(...[...page.body.childNodes].map((node) => document.importNode(node, true)));
        prepare(target);
    };

    const focusIn = (target) => {
        const first = target.querySelector("[data-focus], .errors, h1, h2, h3") || target;
        if (!first.hasAttribute("tabindex")) {
            first.setAttribute("tabindex", "-1");
        }
        first.focus();
    };

    const complain = (target, text) => {
        target.replaceChildren(make("div", { class: "note error", role: "alert" }, make("p", {}, text)));
        focusIn(target);
    };

    const isSame = (a, b) => a.split("#")[0] === b.split("#")[0];

    /* What came for a part, unless it is another page: then that one is gone to. */
    const arrive = (request, address, target) => {
        if (request.responseURL && !isSame(request.responseURL, address)) {
            location.assign(request.responseURL);
            return false;
        }
        if (!request.response || !request.response.body) {
            complain(target, texts.badAnswer + " " + request.status);
            return true;
        }
        put(target, request.response);
        focusIn(target);
        return true;
    };

    const sendPart = async (form, submitter, target) => {
        const method = (submitter && submitter.getAttribute("formmethod")) || form.getAttribute("method") || "get";
        const url = new URL((submitter && submitter.getAttribute("formaction")) || form.getAttribute("action") || "", location.href);
        const data = new FormData(form, submitter);
        const isMultipart = form.enctype === "multipart/form-data";
        let body = null;
        if (method.toLowerCase() === "get") {
            url.search = new URLSearchParams(data).toString();
        } else {
            body = isMultipart ? data : new URLSearchParams(data);
        }
        const bar = isMultipart ? make("progress", { max: "1", "aria-label": texts.sent }) : null;
        if (bar) {
            form.append(bar);
        }
        target.setAttribute("aria-busy", "true");
        say(texts.waiting);
        try {
            const request = await fetchPart(method.toUpperCase(), url.href, body, bar && ((event) => {
                if (event.lengthComputable) {
                    bar.value = event.loaded / event.total;
                }
            }));
            if (arrive(request, url.href, target) && "partAddress" in form.dataset && method.toLowerCase() === "get") {
                history.replaceState(null, "", url.href);
            }
        } catch (error) {
            complain(target, error.message);
        }
        say("");
        target.removeAttribute("aria-busy");
        if (bar) {
            bar.remove();
        }
    };

    // ---- sending forms ----
    /* A field called "elements" or "append" hides what every form has: such a form is sent without any help. */
    const isHidden = (form) => typeof form.method !== "string" || typeof form.enctype !== "string" ||
        !(form.dataset instanceof DOMStringMap) || !(form.elements instanceof HTMLFormControlsCollection) ||
        ["append", "getAttribute", "prepend", "querySelectorAll", "removeAttribute", "requestSubmit", "setAttribute"].some(
            (name) => typeof form[name] !== "function") || typeof form.matches !== "function";
    const release = (form) => {
        delete form.dataset.sent;
        form.removeAttribute("aria-busy");
        for (const control of form.elements) {
            if (control.dataset.held) {
                control.disabled = false;
                delete control.dataset.held;
            }
        }
    };
    const hold = (form) => {
        form.dataset.sent = "1";
        form.setAttribute("aria-busy", "true");
        // only when the form's values were read: a disabled button's value would be lost
        setTimeout(() => {
            for (const control of form.dataset.sent ? form.elements : []) {
                if (control.type === "submit" && !control.disabled) {
                    control.disabled = true;
                    control.dataset.held = "1";
                }
            }
        }, 0);
    };

    document.addEventListener("submit", async (event) => {
        const form = event.target;
        const submitter = event.submitter;
        if (isHidden(form)) {
            return;
        }
        const question = (submitter && submitter.dataset.confirm) || form.dataset.confirm;
        const target = byReference((submitter && submitter.dataset.part) || form.dataset.part);
        if (form.method === "dialog") {
            return;
        }
        if (form.dataset.sent) {
            event.preventDefault();
            return;
        }
        if ("check" in form.dataset && !(submitter && submitter.formNoValidate) && !check(form)) {
            event.preventDefault();
            return;
        }
        if (question && !form.dataset.confirmed) {
            const yes = (submitter && submitter.dataset.confirmYes) || form.dataset.confirmYes;
            event.preventDefault();
            if (await ask(question, yes)) {
                form.dataset.confirmed = "1";
                form.requestSubmit(submitter);
                delete form.dataset.confirmed;
            }
            return;
        }
        if (target) {
            event.preventDefault();
            hold(form);
            await sendPart(form, submitter, target);
            release(form);
        } else if (form.method === "post") {
            hold(form);
        }
    });
    addEventListener("pageshow", () => each(document, "form[data-sent]", release));

    // ---- saving what a page holds ----
    const save = (button) => {
        const source = byReference(button.dataset.download);
        const address = URL.createObjectURL(new Blob([source.value || source.textContent], { type: "text/csv" }));
        make("a", { href: address, download: button.dataset.downloadName || "table.csv" }).click();
        setTimeout(() => URL.revokeObjectURL(address), 1000);
    };

    // ---- clicks ----
    document.addEventListener("click", async (event) => {
        const saver = event.target.closest("button[data-download]");
        const link = event.target.closest("a[data-part]");
        const target = link && byReference(link.dataset.part);
        const copier = event.target.closest("button[data-copy]");
        const sorter = event.target.closest("th[data-sort] button.sort");
        if (saver) {
            save(saver);
        } else if (copier) {
            copy(copier);
        } else if (sorter) {
            sort(sorter.closest("th"));
        } else if (target && event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey) {
            event.preventDefault();
            target.setAttribute("aria-busy", "true");
            try {
                if (arrive(await fetchPart("GET", link.href, null), link.href, target) && "partAddress" in link.dataset) {
                    history.replaceState(null, "", link.href);
                }
            } catch (error) {
                complain(target, error.message);
            }
            target.removeAttribute("aria-busy");
        }
    });
    document.addEventListener("change", (event) => {
        if (event.target.matches("select[data-submit]")) {
            event.target.form.requestSubmit();
        }
    });

    // ---- parts that stay fresh ----
    const refresh = async (part) => {
        const address = new URL(part.dataset.refreshFrom || location.href, location.href).href;
        if (document.hidden || part.contains(document.activeElement) || part.dataset.refreshing) {
            return;
        }
        part.dataset.refreshing = "1";
        try {
            const request = await fetchPart("GET", address, null);
            if (request.status === 200 && request.response && request.response.body && isSame(request.responseURL, address)) {
                put(part, request.response);
            }
        } catch (error) {
            // the next time may do better; what is shown stays
        }
        delete part.dataset.refreshing;
    };

    // ---- whatever came onto the page ----
    const prepare = (where) => {
        each(where, "time[data-relative]", tell);
        each(where, "th[data-sort]", prepareSort);
        each(where, "form[data-check]", (form) => {
            Element.prototype.setAttribute.call(form, "novalidate", "");
        });
        each(where, "input[data-filter]", (input) => {
            if (input.value) {
                filter(input);
            }
        });
        each(where, "[data-refresh]", (part) => {
            if (!part.dataset.refreshes) {
                part.dataset.refreshes = "1";
                setInterval(() => refresh(part), Math.max(5, Number(part.dataset.refresh) || 0) * 1000);
            }
        });
    };
    fold();
    prepare(document);
    const errors = document.querySelector("[data-focus]");
    if (errors) {
        errors.focus();
    }
})();
