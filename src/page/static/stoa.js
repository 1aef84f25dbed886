/* SPDX-License-Identifier: ISC */
/* stoa.js - what pages do better with JavaScript. Attributes say where: src/page/README.md. */
"use strict";
document.documentElement.classList.add("js");
