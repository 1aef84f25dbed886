/* SPDX-License-Identifier: ISC */
/* work.js - the work that a form of strangers asks of the browser (account/captcha = work): a number so that the
 * SHA-256 of "ID:number" begins with so many zero bits. In small pieces, so that the page stays alive. */
"use strict";
(() => {
    const PIECE = 2000; /* numbers between two breaths */
    const primes = [];
    for (let n = 2; primes.length < 64; n++)
        if (primes.every(p => n % p))
            primes.push(n);
    const bits_of = root => Math.floor((root - Math.floor(root)) * 4294967296) | 0;
    const constants = primes.map(p => bits_of(Math.cbrt(p)));
    const begin = primes.slice(0, 8).map(p => bits_of(Math.sqrt(p)));
    const turn = (word, by) => word >>> by | word << 32 - by;

    /* FIPS 180-4; text is ASCII. Only the first word is needed: it has more bits than any form asks for. */
    function first_word(text) {
        const blocks = (text.length + 8 >> 6) + 1, words = new Int32Array(blocks * 16), plan = new Int32Array(64);
        for (let i = 0; i < text.length; i++)
            words[i >> 2] |= text.charCodeAt(i) << 24 - i % 4 * 8;
        words[text.length >> 2] |= 0x80 << 24 - text.length % 4 * 8;
        words[words.length - 1] = text.length * 8;
        const sum = Int32Array.from(begin);
        for (let at = 0; at < words.length; at += 16) {
            let [a, b, c, d, e, f, g, h] = sum;
            for (let i = 0; i < 64; i++) {
                if (i < 16) {
                    plan[i] = words[at + i];
                } else {
                    const x = plan[i - 15], y = plan[i - 2];
                    plan[i] = plan[i - 16] + (turn(x, 7) ^ turn(x, 18) ^ x >>> 3) + plan[i - 7] +
                        (turn(y, 17) ^ turn(y, 19) ^ y >>> 10);
                }
                const one = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + (e & f ^ ~e & g) + constants[i] + plan[i] | 0;
                const two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + (a & b ^ a & c ^ b & c) | 0;
                [h, g, f, e, d, c, b, a] = [g, f, e, d + one | 0, c, b, a, one + two | 0];
            }
            [a, b, c, d, e, f, g, h].forEach((value, i) => sum[i] += value);
        }
        return sum[0];
    }

    for (const box of document.querySelectorAll("[data-work]")) {
        const bits = Number(box.dataset.work), id = box.dataset.workId, form = box.closest("form");
        const field = box.querySelector("input[name=captcha]"), state = box.querySelector("[data-work-state]");
        let number = 0, wants = false;

        form.addEventListener("submit", event => {
            if (field.value)
                return;
            event.preventDefault();
            event.stopImmediatePropagation();
            wants = true;
        }, true);
        const step = () => {
            for (const end = number + PIECE; number < end; number++)
                if (first_word(id + ":" + number) >>> 32 - bits === 0) {
                    field.value = String(number);
                    state.textContent = state.dataset.workDone;
                    if (wants)
                        form.requestSubmit();
                    return;
                }
            setTimeout(step, 0);
        };
        step();
    }
})();
