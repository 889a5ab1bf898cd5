/* What the report does beyond showing: tooltips, arrow keys in tables, light and dark, and the
   example browser. No library, no network. Texts reach the page through textContent only, so
   that nothing in a study's data is ever read as markup. */
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);

  const make = (tag, className, ...children) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.append(...children);
    return made;
  };

  /* --- light and dark ----------------------------------------------------------------------- */

  const theme = $("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");

  /* A page from disk may be refused its storage; the choice then lasts as long as the page. */
  const remembered = () => {
    try { return localStorage.getItem("waystation-theme"); } catch { return null; }
  };
  const remember = (choice) => {
    try { localStorage.setItem("waystation-theme", choice); } catch { return; }
  };
  let chosen = remembered();
  const isDark = () => (chosen === null ? dark.matches : chosen === "dark");
  const paint = () => {
    if (chosen !== null) document.documentElement.dataset.theme = chosen;
    theme.textContent = isDark() ? "Light" : "Dark";
    theme.setAttribute("aria-label", `Switch to ${isDark() ? "light" : "dark"} colours`);
  };
  theme.addEventListener("click", () => {
    chosen = isDark() ? "light" : "dark";
    remember(chosen);
    paint();
  });
  dark.addEventListener("change", paint);
  theme.hidden = false;
  paint();

  /* --- tooltips ----------------------------------------------------------------------------- */

  const tip = $("tip");
  let owner = null;

  const place = (box) => {
    const own = tip.getBoundingClientRect();
    const room = document.documentElement.clientWidth - own.width - 8;
    const left = Math.max(8, Math.min(box.left + box.width / 2 - own.width / 2, room));
    const above = box.top - own.height - 8;
    tip.style.left = `${left}px`;
    tip.style.top = `${above > 4 ? above : box.bottom + 8}px`;
  };
  const show = (element) => {
    hide();
    owner = element;
    const [first, ...rest] = element.dataset.tip.split("\n");
    tip.replaceChildren(make("b", "", first), ...rest.map((line) => make("span", "", line)));
    tip.hidden = false;
    element.setAttribute("aria-describedby", "tip");
    place(element.getBoundingClientRect());
  };
  const hide = () => {
    owner?.removeAttribute("aria-describedby");
    owner = null;
    tip.hidden = true;
  };
  const tipped = (event) => event.target.closest?.("[data-tip]");
  document.addEventListener("pointerover", (event) => {
    const element = tipped(event);
    if (element) show(element);
    else if (owner && owner !== document.activeElement) hide();
  });
  document.addEventListener("focusin", (event) => {
    const element = tipped(event);
    if (element) show(element);
    else hide();
  });
  document.addEventListener("focusout", hide);
  /* What is under the pointer may scroll into its place after the pointer came to it. */
  const follow = () => {
    const box = owner?.getBoundingClientRect();
    if (box && box.bottom > 0 && box.top < document.documentElement.clientHeight) place(box);
    else hide();
  };
  document.addEventListener("scroll", follow, { capture: true, passive: true });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });

  /* --- arrow keys in tables: one tab stop a table -------------------------------------------- */

  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  for (const table of document.querySelectorAll("table[data-grid]")) {
    const rows = [...table.tBodies]
      .flatMap((body) => [...body.rows])
      .map((row) => [...row.cells].filter((cell) => cell.dataset.tip))
      .filter((cells) => cells.length);
    for (const cell of rows.flat()) cell.tabIndex = -1;
    if (rows.length) rows[0][0].tabIndex = 0;
    const focus = (cell) => {
      for (const other of rows.flat()) other.tabIndex = -1;
      cell.tabIndex = 0;
      cell.focus({ preventScroll: true });
      cell.scrollIntoView({ block: "nearest", inline: "nearest" });
      show(cell);
    };
    table.addEventListener("keydown", (event) => {
      const cell = event.target.closest("td[data-tip]");
      const y = rows.findIndex((row) => row.includes(cell));
      if (y < 0) return;
      const x = rows[y].indexOf(cell);
      const end = { Home: 0, End: rows[y].length - 1 }[event.key];
      const [down, right] = moves[event.key] ?? [0, 0];
      if (!(event.key in moves) && end === undefined) return;
      event.preventDefault();
      const row = rows[Math.max(0, Math.min(y + down, rows.length - 1))];
      focus(row[Math.max(0, Math.min(end ?? x + right, row.length - 1))]);
    });
  }

  /* --- arrow keys in pictures of points: one tab stop a picture, left to right -------------------- */

  for (const picture of document.querySelectorAll("svg.scatter")) {
    const points = [...picture.querySelectorAll("circle[data-tip]")]
      .sort((one, other) => one.cx.baseVal.value - other.cx.baseVal.value);
    for (const point of points) point.setAttribute("tabindex", "-1");
    points[0]?.setAttribute("tabindex", "0");
    picture.addEventListener("keydown", (event) => {
      const at = points.indexOf(event.target);
      const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
      if (at < 0 || step === undefined) return;
      event.preventDefault();
      const next = points[Math.max(0, Math.min(at + step, points.length - 1))];
      points[at].setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus({ preventScroll: true });
      next.scrollIntoView({ block: "nearest", inline: "nearest" });
    });
  }

  /* --- the example browser ------------------------------------------------------------------- */

  const section = $("examples");
  for (const hint of document.querySelectorAll(".hint")) hint.hidden = false;
  if (!section) return;
  const data = JSON.parse($("data").textContent);
  const PAGE = 8;
  const control = (name) => $(`ex-${name}`);
  const count = $("ex-count");
  const list = $("ex-items");
  const filters = [
    ["all", "all items", () => true],
    ["differ", "predictions differ", (i) => i.a !== i.b],
    ["a", "A better than B", (i) => i.va !== null && i.vb !== null && i.va > i.vb],
    ["b", "B better than A", (i) => i.va !== null && i.vb !== null && i.vb > i.va],
    ["both", "both right", (i) => i.va === 1 && i.vb === 1],
    ["neither", "neither right", (i) => i.va !== null && i.vb !== null && i.va < 1 && i.vb < 1],
  ];
  let page = 0;
  let found = [];

  const fill = (select, options, value) => {
    const before = value ?? select.value;
    select.replaceChildren(...options.map(([key, text]) => new Option(text, key)));
    if (options.some(([key]) => String(key) === before)) select.value = before;
  };
  const backbone = () => Number(control("backbone")?.value ?? 0);
  const stopName = (stop) => (data.stops[stop] === "none" ? "no stop" : data.stops[stop]);
  const partsOf = (target) =>
    data.parts.filter((p) => p.target === target && p.runs.some(([b]) => b === backbone()));
  const unique = (values) => [...new Set(values)];

  /* What can be chosen depends on target and backbone; a choice that is still there stays. */
  const choices = (wanted = {}) => {
    const targets = unique(
      data.parts.filter((p) => p.runs.some(([b]) => b === backbone())).map((p) => p.target));
    fill(control("target"), targets.map((t) => [t, t]), wanted.target);
    const parts = partsOf(control("target").value);
    fill(control("language"),
      [["", `all ${parts.length}`], ...parts.map((p) => [p.language, p.name])]);
    const runs = parts.flatMap((p) => p.runs).filter(([b]) => b === backbone());
    const stops = unique(runs.map(([, s]) => s)).sort((x, y) => x - y);
    const options = stops.map((s) => [s, stopName(s)]);
    const first = control("b").options.length === 0;
    fill(control("a"), options, wanted.a);
    fill(control("b"), options, wanted.b ?? (first ? String(stops.at(1) ?? stops[0]) : undefined));
    fill(control("seed"), unique(runs.map((r) => r[2])).sort((x, y) => x - y).map((s) => [s, s]));
  };

  const words = (item) =>
    [item.id, ...item.texts.map(([, t]) => (Array.isArray(t) ? t.join(" ") : t)), item.gold,
      ...[item.a, item.b]].filter((t) => t !== null).join("\n").toLowerCase();

  const runOf = (part, stop, seed) => {
    const own = part.runs.findIndex(([b, s, n]) => b === backbone() && s === stop && n === seed);
    /* Without fine-tuning the baseline is one model, which may be listed under one seed only. */
    return own >= 0 ? own : part.runs.findIndex(([b, s]) => b === backbone() && s === stop);
  };
  const output = (item, run) => {
    const code = run < 0 ? "-" : item.chosen[run];
    return code === "-" ? [null, null] : item.outputs[code.charCodeAt(0) - 48];
  };

  const gather = () => {
    const language = control("language").value;
    const [a, b, seed] = ["a", "b", "seed"].map((name) => Number(control(name).value));
    const parts = partsOf(control("target").value)
      .filter((p) => language === "" || p.language === language);
    const items = parts.flatMap((part) => {
      const [one, other] = [runOf(part, a, seed), runOf(part, b, seed)];
      return part.items.map((item) => {
        const [[pa, va], [pb, vb]] = [output(item, one), output(item, other)];
        return { ...item, part, a: pa, va, b: pb, vb };
      });
    });
    const wanted = filters.find(([key]) => key === control("show").value)[2];
    const text = control("search").value.trim().toLowerCase();
    found = items.filter((i) => wanted(i) && (!text || words(i).includes(text)));
    tell(items, parts);
  };

  const tell = (items, parts) => {
    const total = parts.reduce((sum, p) => sum + p.total, 0);
    const judged = items.filter((i) => i.va !== null && i.vb !== null);
    const right = (name) => judged.filter((i) => i[name] === 1).length;
    const shares = judged.length
      ? ` Right among the sampled: A ${right("va")}, B ${right("vb")} of ${judged.length}.` : "";
    const notes = unique(parts.map((p) => p.note)).filter(Boolean);
    count.textContent = `${found.length} shown of ${items.length} sampled, out of ` +
      `${total.toLocaleString("en")} test items` +
      `${notes.length ? ` (${notes.join(", ")})` : ""}.${shares}`;
  };

  const texted = (tag, className, text, language) => {
    const made = make(tag, className, text);
    made.dir = "auto";
    if (language) made.lang = language;
    return made;
  };
  const mark = (value) => (value === null ? "" : value === 1 ? "✓" : value > 0 ? "◐" : "✗");
  const said = (value) => (value === null ? "no gold" : value === 1 ? "right"
    : value > 0 ? `partly right, ${Math.round(100 * value)}%` : "wrong");

  const verdict = (letter, stop, text, value, language) => {
    const sign = make("span", "sign", mark(value));
    sign.setAttribute("role", "img");
    sign.setAttribute("aria-label", said(value));
    sign.title = said(value);
    return make("div", `side ${value === null ? "" : value === 1 ? "right" : "wrong"}`,
      make("h4", "", `${letter}: ${stopName(stop)} `, sign),
      text === null ? make("p", "meta", "not predicted")
        : texted("p", "", text === "" ? "(nothing)" : text, language));
  };

  /* Words with their gold tags; a route's tag is written only where it is another one. */
  const tagged = (item, words_, language) => {
    const tag = (codes, i) => (codes === null ? "" : item.part.labels[codes.charCodeAt(i) - 48]);
    const box = make("div", "tags");
    box.dir = "auto"; // of the first word: what has a direction of its own would not count
    words_.forEach((word, i) => {
      const gold = tag(item.gold, i);
      const token = make("span", "token", word);
      token.lang = language;
      const cell = make("span", "word", token, make("small", "", gold || "–"));
      for (const [letter, codes] of [["A", item.a], ["B", item.b]]) {
        const own = tag(codes, i);
        const off = codes !== null && own !== gold;
        cell.append(make("small", off ? "off" : "", off ? `${letter} ${own}` : "\u00a0"));
      }
      box.append(cell);
    });
    return box;
  };

  const card = (item, number) => {
    const { part } = item;
    const article = make("article", "", make("h3", "",
      make("span", "meta", `${number} · ${part.name} · `), texted("span", "meta", item.id)));
    article.tabIndex = -1;
    const isTagged = part.kind === "tagging";
    for (const [role, content] of item.texts) {
      const [label, language] = part.roles[role];
      if (Array.isArray(content)) {
        article.append(tagged(item, content, language));
      } else {
        article.append(make("div", "text", make("span", "role", label),
          texted("p", "", content, language)));
      }
    }
    if (!isTagged) {
      article.append(make("div", "text gold", make("span", "role", "gold"),
        item.gold === null ? make("p", "meta", "unpublished")
          : texted("p", "", item.gold, answerLanguage(part))));
    }
    const share = (codes) => (item.gold === null ? "as above"
      : `${[...codes].filter((c, i) => c === item.gold[i]).length} of ${codes.length} tags right`);
    const side = (letter, name, text, value) => verdict(letter, Number(control(name).value),
      isTagged && text !== null ? share(text) : text, value, isTagged ? "" : answerLanguage(part));
    article.append(make("div", "sides",
      side("A", "a", item.a, item.va), side("B", "b", item.b, item.vb)));
    return article;
  };

  /* Answers and options are in the language of the texts, labels and neighbours need not be. */
  const answerLanguage = (part) =>
    (["choice", "span"].includes(part.kind) ? part.roles.at(-1)?.[1] : "");

  const draw = () => {
    const pages = Math.max(1, Math.ceil(found.length / PAGE));
    page = Math.max(0, Math.min(page, pages - 1));
    const shown = found.slice(page * PAGE, (page + 1) * PAGE);
    list.replaceChildren(...shown.map((item, i) => card(item, page * PAGE + i + 1)));
    if (!shown.length) list.append(make("p", "meta", "No sampled item is like this."));
    else list.firstChild.tabIndex = 0;
    $("ex-page").textContent = `page ${page + 1} of ${pages}`;
    $("ex-previous").disabled = page === 0;
    $("ex-next").disabled = page === pages - 1;
  };
  const update = () => { page = 0; gather(); draw(); };
  const turn = (by, andFocus) => {
    page += by;
    draw();
    if (andFocus) list.querySelector("article")?.focus();
  };

  const step = (article, by) => {
    const next = by > 0 ? article.nextElementSibling : article.previousElementSibling;
    if (!next) return;
    article.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  };
  list.addEventListener("keydown", (event) => {
    const article = event.target.closest("article");
    const act = {
      ArrowDown: () => step(article, 1), j: () => step(article, 1),
      ArrowUp: () => step(article, -1), k: () => step(article, -1),
      ArrowRight: () => turn(1, true), ArrowLeft: () => turn(-1, true),
      "/": () => control("search").focus(),
    }[event.key];
    if (!act || !article || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });

  /* A cell of the grid leads to its two routes. */
  const open = (cell) => {
    const { backbone: name, stop, target } = cell.dataset;
    if (control("backbone")) control("backbone").value = data.backbones.indexOf(name);
    choices({ target, a: String(data.stops.indexOf("none")), b: String(data.stops.indexOf(stop)) });
    control("show").value = "differ";
    control("search").value = "";
    update();
    hide();
    section.scrollIntoView();
    control("target").focus({ preventScroll: true });
  };
  for (const cell of document.querySelectorAll("td[data-stop]")) {
    cell.addEventListener("click", () => open(cell));
    cell.addEventListener("keydown", (event) => {
      if (event.key === "Enter") open(cell);
    });
  }

  if (control("backbone")) fill(control("backbone"), data.backbones.map((b, i) => [i, b]));
  fill(control("show"), filters.map(([key, text]) => [key, text]));
  choices();
  update();
  section.hidden = false;
  for (const name of ["backbone", "target"]) {
    control(name)?.addEventListener("change", () => { choices(); update(); });
  }
  for (const name of ["language", "a", "b", "seed", "show"]) {
    control(name).addEventListener("change", update);
  }
  control("search").addEventListener("input", update);
  $("ex-previous").addEventListener("click", () => turn(-1, false));
  $("ex-next").addEventListener("click", () => turn(1, false));
})();
