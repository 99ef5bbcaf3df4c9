// The page: what is clicked becomes a state, the state goes to the worker, answers are drawn.
"use strict";

const Playground = (() => {
  const byId = (id) => document.getElementById(id);
  const meta = JSON.parse(byId("meta").textContent);
  const { width, height } = meta;
  const PAUSE = 500; // milliseconds without a change before links are written and pairs composed

  const TITLES = {
    product: "product", bayes: "Bayes", average: "average", superposition_or: "OR (SuperDiff)",
    superposition_and: "AND (SuperDiff)", heun: "Heun", euler: "Euler (DDIM)", sde: "SDE",
    ancestral: "ancestral (DDPM)", rgb: "RGB", luminance: "luminance scaled", palette: "palette",
    empty: "empty scene", unconditional: "unconditional",
  };

  // five places in the middle, where large objects overlap
  const CLOSE = [[0.5, 0.42], [0.36, 0.47], [0.64, 0.47], [0.43, 0.6], [0.58, 0.6]];

  let state = State.defaults(meta);
  let newest = 0; // id of the latest question
  let shown = null; // the path, the interaction and the readings of what is shown
  let running = false; // whether a first sample is on its way
  let waiting = false; // whether another one is wanted after it, while dragging
  let later = null;
  let main = null;
  let pairsWorker = null;
  let complete = false; // whether the whole page is there

  // --- what there is to start from --------------------------------------------------------------

  function examples() {
    const object = (at, labels = {}, weight = 1) => ({ at, weight, labels });
    const made = (name, objects, changes = {}) =>
      ({ name: name.replace("  ", " "), state: { ...State.defaults(meta), objects, ...changes } });
    const found = [];
    const has = (name, value) => meta.labels[name] && meta.labels[name].names.includes(value);
    if (meta.points) {
      const { apart, spread } = meta.places;
      const placedAt = (places, labels) => places.map((at) => object(at.slice(), { ...labels }));
      const sized = has("size", "small") && has("size", "large");
      const [small, large] = sized ? [{ size: "small" }, { size: "large" }] : [{}, {}];
      found.push(made(`A: nine ${sized ? "small" : ""} objects`, placedAt(sized ? spread : apart, small)));
      found.push(made(`A: five ${sized ? "large" : ""} objects`, placedAt(apart.slice(0, 5), large)));
      found.push(made("A: five too close", placedAt(CLOSE, large)));
      const [x, y] = apart[2];
      found.push(made("Two pushed together", placedAt([[x - 0.05, y], [x + 0.05, y + 0.02]], large)));
      found.push(made("B and its ghost", placedAt(apart.slice(0, 3), large), { operator: "bayes" }));
    }
    if (has("color", "yellow") && has("color", "blue") && has("color", "green")) {
      const pair = (a, b) => [a, b].map((color) => object(null, { color }));
      found.push(made("Yellow with blue", pair("yellow", "blue")));
      found.push(made("Yellow with green", pair("yellow", "green")));
      found.push(made("Yellow with green, luminance scaled", pair("yellow", "green"), { features: "luminance" }));
      found.push(made("Yellow with green, in a palette", pair("yellow", "green"), { features: "palette" }));
    } else if (!meta.points) {
      const [name] = Object.keys(meta.labels);
      const values = meta.labels[name].names;
      for (const [a, b] of [[0, 1], [1, 2], [0, 2]]) {
        if (b >= values.length) continue;
        found.push(made(`${values[a]} with ${values[b]}`,
          [object(null, { [name]: values[a] }), object(null, { [name]: values[b] })]));
      }
    }
    const byLabel = meta.by !== "position";
    // what the page is about comes first
    return byLabel ? found.sort((a, b) => placed(a) - placed(b)) : found;
  }

  const placed = ({ state: { objects } }) => Number(objects.some(({ at }) => at));

  // --- questions --------------------------------------------------------------------------------

  const SOURCES = ["engine", "reader", "pool", "state", "worker"];

  function startWorker(onAnswer) {
    const text = SOURCES.map((id) => byId(id).textContent).join("\n");
    const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    const worker = new Worker(url);
    worker.onmessage = ({ data }) => onAnswer(data);
    worker.onerror = (event) => complain(`the page's program failed: ${event.message}`);
    worker.postMessage({ kind: "open", meta });
    hand(worker, "first-pictures");
    if (complete) hand(worker, "other-pictures");
    return worker;
  }

  // The pictures stand in two parts, and the page starts between them: what is shown first needs
  // the first part alone.
  function hand(worker, part) {
    const lines = byId(part)?.textContent.trim().split("\n").filter(Boolean) ?? [];
    worker.postMessage({ kind: "bundles", lines, last: part === "other-pictures" });
  }

  function finish() {
    complete = true;
    for (const worker of [main, pairsWorker]) if (worker) hand(worker, "other-pictures");
  }

  function complain(text) {
    byId("alert").textContent = text;
    byId("alert").hidden = !text;
  }

  function ask() {
    if (!main) return;
    newest += 1;
    running = true;
    waiting = false;
    byId("busy").classList.add("on");
    if (pairsWorker) pairsWorker.postMessage({ kind: "stop", id: newest });
    main.postMessage({ kind: "compose", id: newest, state });
  }

  // A drag asks again when its last question is answered, so that there is always something to see.
  function askSoon() {
    if (running) waiting = true;
    else ask();
  }

  function changed({ dragging = false } = {}) {
    const wrong = State.problem(state, meta);
    complain(wrong ? `This cannot be composed. ${wrong}` : "");
    drawControls();
    drawMarks();
    clearTimeout(later);
    if (wrong) {
      main.postMessage({ kind: "stop", id: ++newest });
      byId("busy").classList.remove("on");
      return;
    }
    if (dragging) askSoon();
    else ask();
    later = setTimeout(settle, PAUSE);
  }

  // After a pause: the link of what is shown.
  function settle() {
    const fragment = `#${State.toFragment(state, meta)}`;
    if (location.hash !== fragment) history.replaceState(null, "", fragment);
  }

  function askPairs() {
    const count = state.objects.length;
    const box = byId("predict");
    if (!meta.backgrounds) {
      byId("predict-box").hidden = true;
    } else if (count < 2) {
      box.textContent = "Place two objects or more.";
    } else {
      box.textContent = "Composing every pair by itself…";
      pairsWorker = pairsWorker || startWorker(answered);
      pairsWorker.postMessage({ kind: "pairs", id: newest, state });
    }
  }

  // --- answers ----------------------------------------------------------------------------------

  function answered(data) {
    if (data.id !== newest) return;
    if (data.kind === "failed") {
      running = false;
      byId("busy").classList.remove("on");
      complain(`This cannot be composed. ${data.why}`);
    } else if (data.kind === "path") {
      running = false;
      shown = { ...data, readings: [], pictures: [] };
      drawPath();
      drawInteraction();
      drawMarks();
      drawObjectNotes();
      if (waiting) ask();
    } else if (data.kind === "sample" && shown) {
      shown.readings[data.sample] = data.read;
      shown.pictures[data.sample] = data.picture;
      drawSample(data);
      if (data.sample === 0) drawVerdict();
      drawRate();
      drawMarks();
    } else if (data.kind === "done") {
      byId("busy").classList.remove("on");
      document.body.dataset.done = String(data.id);
      askPairs();
    } else if (data.kind === "pairs") {
      drawPairs(data);
    }
  }

  // --- drawing ----------------------------------------------------------------------------------

  function nameOf(object, k) {
    const labels = Object.values(object.labels).join(" ");
    return labels ? `${k + 1} ${labels}` : `${k + 1}`;
  }

  function drawPath() {
    Draw.picture(byId("picture"), shown.picture, width, height);
    performance.mark("picture"); // benchmarks/playground.py reads the first one
    const level = byId("level");
    const atEnd = Number(level.value) >= Number(level.max);
    level.max = String(shown.steps.length);
    if (atEnd) level.value = level.max;
    drawLevel();
  }

  // The slider's last place is the sample itself.
  function drawLevel() {
    if (!shown) return;
    const at = Math.min(Number(byId("level").value), shown.steps.length);
    const step = shown.steps[at];
    const last = { x: shown.picture, denoised: shown.picture };
    const { x, denoised } = step || last;
    const scale = step ? 1 / (1 + step.sigma) : 1; // noise is far beyond what a screen shows
    Draw.picture(byId("noisy"), x.map((value) => value * scale), width, height);
    Draw.picture(byId("denoised"), denoised, width, height);
    const text = step
      ? `Noise level σ = ${step.sigma.toPrecision(3)}, step ${at + 1} of ${shown.steps.length}`
      : "The sample, after the last step";
    byId("level-text").textContent = text;
    byId("level").setAttribute("aria-valuetext", text);
    drawCurve(at);
  }

  // The cosine of all pairs together at one noise level.
  const together = (products) => {
    let [sum, most] = [0, 1e-300];
    products.forEach((row, i) => {
      for (let j = 0; j < i; j++) {
        sum += row[j];
        most += Math.sqrt(row[i] * products[j][j]);
      }
    });
    return sum / most;
  };

  function drawCurve(here) {
    const found = shown.interaction;
    if (!found) return;
    Draw.curve(byId("curve"), found.levels, found.perLevel.map(together), here);
  }

  function drawInteraction() {
    const found = shown.interaction;
    byId("interaction").hidden = !found;
    byId("no-interaction").hidden = Boolean(found);
    if (!found) {
      byId("no-interaction").textContent = State.needsBackground(state.operator)
        ? "Place two objects or more to see how they interact."
        : "Products over a background have an interaction; this operator has none.";
      return;
    }
    Draw.matrix(byId("matrix"), found.cosines, state.objects.map(nameOf));
    // as strong as its greatest, but faint where that is little beside the deltas themselves
    const energy = found.perLevel.reduce((sum, one) => sum + one.reduce((all, row, i) => all + row[i], 0), 0);
    Draw.map(byId("map"), found.map, width, height, (2 * energy) / (width * height));
    byId("map").setAttribute("aria-label", "Map of the interaction over the pixels");
    drawCurve(Number(byId("level").value));
  }

  function drawVerdict() {
    const box = byId("verdict");
    const read = shown.readings[0];
    const count = state.objects.filter(({ weight }) => weight > 0).length;
    if (!read) {
      box.textContent = "Composed. Counting needs a background.";
      box.className = "";
      return;
    }
    const met = read.met.filter(Boolean).length;
    const objects = read.count === 1 ? "1 object" : `${read.count} objects`;
    const others = read.others ? `, ${read.others} not asked for` : "";
    const avoided = read.avoided.some(Boolean) ? ", and what was to be avoided" : "";
    box.textContent = count
      ? `${met} of ${count} requests met; shows ${objects}${others}${avoided}.`
      : `Nothing is asked for; shows ${objects}.`;
    box.className = read.success ? "good" : "bad";
  }

  function drawSample({ sample, picture, read }) {
    const strip = byId("strip");
    if (sample === 0) strip.replaceChildren();
    const item = Draw.element("li");
    const canvas = Draw.element("canvas", { role: "img" });
    item.append(canvas, Draw.element("span", {}, ""));
    if (read) {
      item.className = read.success ? "success" : "failure";
      item.lastChild.textContent = `${read.success ? "✓" : "✗"} ${read.count}`;
    }
    const told = read ? `${read.success ? "as asked" : "not as asked"}, ${read.count} objects` : "";
    canvas.setAttribute("aria-label", `Sample ${sample + 1}${told && `: ${told}`}`);
    Draw.picture(canvas, picture, width, height);
    strip.append(item);
  }

  function drawRate() {
    const read = shown.readings.filter(Boolean);
    const box = byId("rate");
    if (!read.length) {
      box.textContent = "";
      return;
    }
    const good = read.filter(({ success }) => success).length;
    const [low, high] = Words.wilson(good, read.length).map((value) => value.toFixed(2));
    box.textContent = `${good} of ${read.length} succeed [${low}, ${high}]`;
  }

  function drawPairs({ rows, of }) {
    const names = state.objects.map(nameOf);
    const named = rows.map((row) => ({ ...row, first: names[row.first], second: names[row.second] }));
    const part = rows.length < of ? ` (${rows.length} of ${of} pairs so far)` : "";
    byId("predict").textContent =
      `Of pairs, ${meta.choice.recipe.samples} exact compositions each: ` +
      `${Words.partners(named, meta.choice.composes)}${part}.`;
  }

  function drawMarks() {
    const box = byId("marks");
    const focused = document.activeElement && document.activeElement.dataset.object;
    const read = shown && shown.readings[0];
    let asked = -1;
    const parts = [];
    state.objects.forEach((object, k) => {
      if (object.weight > 0) asked += 1;
      if (!object.at) return;
      const [x, y] = object.at.map((value) => `${100 * value}%`);
      const radius = shown && shown.radii && shown.radii[k];
      if (radius) {
        const ring = Draw.element("span", { class: "ring", "aria-hidden": "true" });
        Object.assign(ring.style, { left: x, top: y, width: `${200 * radius}%`, height: `${200 * radius}%` });
        parts.push(ring);
      }
      const isMet = read && object.weight > 0 && read.met[asked];
      const told = !read || object.weight <= 0 ? "" : isMet ? "met" : "missed";
      const where = object.at.map((value) => value.toFixed(2)).join(", ");
      const mark = Draw.element("button", {
        type: "button", class: `mark ${told} ${object.weight < 0 ? "avoid" : ""}`,
        "data-object": k,
        "aria-label": `Object ${nameOf(object, k)} at ${where}${told && `, ${told}`}. ` +
          "Arrow keys move it, Delete removes it.",
      }, String(k + 1));
      Object.assign(mark.style, { left: x, top: y });
      parts.push(mark);
    });
    if (dragged !== null) { // the mark that is held stays: it has the pointer
      const held = box.querySelector(`.mark[data-object="${dragged}"]`);
      const fresh = parts.findIndex((part) => part.dataset.object === String(dragged));
      if (held && fresh >= 0) {
        held.className = parts[fresh].className;
        held.style.left = parts[fresh].style.left;
        held.style.top = parts[fresh].style.top;
        for (const part of [...box.children]) if (part !== held) part.remove();
        parts.forEach((part, i) => i !== fresh && box.append(part));
        return;
      }
    }
    box.replaceChildren(...parts);
    if (focused !== undefined) {
      const mark = box.querySelector(`.mark[data-object="${focused}"]`);
      if (mark) mark.focus({ preventScroll: true });
    }
  }

  function drawObjectNotes() {
    document.querySelectorAll("#objects .few").forEach((note, k) => {
      const count = shown.numbers[k];
      note.textContent = count < meta.choice.most / 2 ? `asked of the ${count} nearest pictures` : "";
    });
  }

  // --- controls ---------------------------------------------------------------------------------

  function fill(select, values, chosen, refused = () => "") {
    const known = values.map(([value, text]) => {
      const option = Draw.element("option", { value }, text);
      const why = refused(value);
      option.disabled = Boolean(why);
      if (why) option.title = why;
      option.selected = value === chosen;
      return option;
    });
    select.replaceChildren(...known);
  }

  const titled = (values) => values.map((value) => [value, TITLES[value]]);

  function drawControls() {
    const follows = State.needsSde(state.operator);
    const unfit = (value) => (value === "empty" && !meta.backgrounds ? "this page has none" : "");
    fill(byId("operator"), titled(State.OPERATORS), state.operator);
    fill(byId("background"), titled(State.BACKGROUNDS),
      state.operator === "bayes" ? "unconditional" : state.background, unfit);
    byId("background").disabled = state.operator !== "product";
    fill(byId("sampler"), titled(State.SAMPLERS), state.sampler,
      (value) => (follows && value !== "sde" ? "this operator's weights follow the SDE's noise" : ""));
    fill(byId("features"), titled(State.FEATURES), state.features);
    const windows = [0, 5, 9, 15].concat(state.window).filter((w, i, all) => all.indexOf(w) === i);
    fill(byId("window"), windows.map((w) => [String(w), w ? `${w} pixels` : "whole picture"]), String(state.window));
    byId("scale-field").hidden = state.features !== "luminance";
    for (const name of ["steps", "seed", "samples", "scale"]) {
      if (document.activeElement !== byId(name)) byId(name).value = state[name];
    }
    byId("add").disabled = state.objects.length >= State.MOST_OBJECTS;
    drawObjects();
    for (const button of byId("examples").children) {
      button.setAttribute("aria-pressed", String(button.dataset.link === State.toFragment(state, meta)));
    }
  }

  function drawObjects() {
    const list = byId("objects");
    const shape = state.objects.map(({ at, labels }) => [Boolean(at), labels]);
    const key = JSON.stringify([shape, state.operator]);
    if (list.dataset.key === key) { // only numbers differ: what has the focus keeps it
      state.objects.forEach((object, k) => {
        const input = list.children[k].querySelector("input");
        if (input && document.activeElement !== input) input.value = object.weight;
      });
      return;
    }
    list.dataset.key = key;
    list.replaceChildren(...state.objects.map((object, k) => {
      const item = Draw.element("li");
      item.append(Draw.element("span", { class: "badge", "aria-hidden": "true" }, String(k + 1)));
      if (meta.points) {
        const place = Draw.element("select", { "aria-label": `Place of object ${k + 1}` });
        fill(place, [["at", "placed"], ["any", "anywhere"]], object.at ? "at" : "any");
        place.onchange = () => {
          object.at = place.value === "at" ? freePlace() : null;
          changed();
        };
        item.append(place);
      }
      for (const [name, { names }] of Object.entries(meta.labels)) {
        const select = Draw.element("select", { "aria-label": `${name} of object ${k + 1}` });
        fill(select, [["", name], ...names.map((value) => [value, value])], object.labels[name] || "");
        select.onchange = () => {
          if (select.value) object.labels[name] = select.value;
          else delete object.labels[name];
          changed();
        };
        item.append(select);
      }
      if (State.hasWeights(state.operator)) {
        const weight = Draw.element("input", {
          type: "number", step: "0.5", min: "-10", max: "10",
          "aria-label": `Weight of object ${k + 1}; negative to avoid it`, title: "weight; negative to avoid it",
        });
        weight.value = object.weight;
        weight.onchange = () => {
          object.weight = weight.value === "" ? 1 : Number(weight.value);
          changed();
        };
        item.append(weight);
      }
      const remove = Draw.element("button", { type: "button", class: "remove", "aria-label": `Remove object ${k + 1}` }, "✕");
      remove.onclick = () => removeObject(k);
      item.append(remove, Draw.element("span", { class: "few" }));
      return item;
    }));
    if (shown && shown.numbers) drawObjectNotes();
  }

  // A known place that no object is near to.
  function freePlace() {
    const far = ([x, y]) => Math.min(1, ...state.objects.filter(({ at }) => at)
      .map(({ at }) => Math.hypot(at[0] - x, at[1] - y)));
    return meta.places.apart.reduce((best, place) => (far(place) > far(best) ? place : best)).slice();
  }

  function addObject(at) {
    if (state.objects.length >= State.MOST_OBJECTS) return;
    const labels = {};
    if (!at && meta.labels[meta.by]) {
      const { names } = meta.labels[meta.by];
      labels[meta.by] = names[state.objects.length % names.length];
    }
    state.objects.push({ at, weight: 1, labels });
    changed();
  }

  function removeObject(k) {
    state.objects.splice(k, 1);
    changed();
  }

  const inside = (value) => Math.min(1, Math.max(0, value));

  function pointAt(event) {
    const box = byId("picture").getBoundingClientRect();
    return [inside((event.clientX - box.left) / box.width), inside((event.clientY - box.top) / box.height)];
  }

  let dragged = null;

  function listen() {
    byId("picture").addEventListener("click", (event) => {
      if (meta.points) addObject(pointAt(event));
    });
    byId("marks").addEventListener("pointerdown", (event) => {
      const mark = event.target.closest(".mark");
      if (!mark) return;
      dragged = Number(mark.dataset.object);
      mark.setPointerCapture(event.pointerId);
      mark.focus({ preventScroll: true });
      event.preventDefault();
    });
    byId("marks").addEventListener("pointermove", (event) => {
      if (dragged === null) return;
      state.objects[dragged].at = pointAt(event);
      changed({ dragging: true });
    });
    for (const kind of ["pointerup", "pointercancel"]) {
      byId("marks").addEventListener(kind, () => {
        if (dragged === null) return;
        dragged = null;
        changed();
      });
    }
    byId("marks").addEventListener("keydown", (event) => {
      const mark = event.target.closest(".mark");
      if (!mark) return;
      const k = Number(mark.dataset.object);
      const far = (event.shiftKey ? 4 : 1) / width;
      const moves = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] };
      if (moves[event.key]) {
        const [dx, dy] = moves[event.key];
        const [x, y] = state.objects[k].at;
        state.objects[k].at = [inside(x + dx), inside(y + dy)];
        changed({ dragging: true });
        event.preventDefault();
      } else if (event.key === "Delete" || event.key === "Backspace") {
        removeObject(k);
        event.preventDefault();
      }
    });
    byId("add").onclick = () => addObject(meta.points && meta.by === "position" ? freePlace() : null);
    const choose = (name, value) => {
      state[name] = value;
      if (State.needsSde(state.operator)) state.sampler = "sde";
      changed();
    };
    for (const name of ["operator", "background", "sampler", "features"]) {
      byId(name).onchange = () => choose(name, byId(name).value);
    }
    byId("window").onchange = () => choose("window", Number(byId("window").value));
    for (const name of ["steps", "seed", "samples", "scale"]) {
      byId(name).onchange = () => choose(name, Number(byId(name).value));
    }
    byId("again").onclick = () => choose("seed", (state.seed + 1) % 4294967296);
    byId("level").oninput = drawLevel;
    byId("link").onclick = copyLink;
    byId("yaml").onclick = showYaml;
    byId("yaml-close").onclick = () => byId("yaml-dialog").close();
    byId("yaml-save").onclick = saveYaml;
    addEventListener("hashchange", () => follow(location.hash));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      if (shown) drawInteraction();
    });
  }

  async function copyLink() {
    settle();
    try {
      await navigator.clipboard.writeText(location.href);
      byId("link").textContent = "Copied";
    } catch {
      byId("link").textContent = "In the address bar";
    }
    setTimeout(() => (byId("link").textContent = "Copy link"), 2000);
  }

  function showYaml() {
    const radius = shown && shown.radii ? Math.max(0, ...shown.radii) : 0;
    const text = byId("yaml-text");
    try {
      text.textContent = State.toYaml(state, meta, radius);
      byId("yaml-why").textContent =
        "Save it beside config.yaml, then: snakemake --cores all --configfile playground.yaml";
    } catch (error) {
      text.textContent = "";
      byId("yaml-why").textContent = `There is none: ${error.message}.`;
    }
    text.hidden = byId("yaml-save").disabled = !text.textContent;
    byId("yaml-dialog").showModal();
  }

  function saveYaml() {
    const url = URL.createObjectURL(new Blob([byId("yaml-text").textContent], { type: "text/yaml" }));
    Draw.element("a", { href: url, download: "playground.yaml" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }

  // Shows what a link asks for; a broken one is told, and what was shown before stays.
  function follow(fragment) {
    if (fragment.length < 2) return;
    try {
      state = State.fromFragment(fragment, meta);
      changed();
    } catch (error) {
      changed();
      complain(`This link is broken: ${error.message}. Shown is another state instead.`);
    }
  }

  function start() {
    const total = meta.count + meta.backgrounds;
    byId("about").textContent = `Exact models of ${total} pictures, ${width} × ${height} pixels, ` +
      "composed in your browser: nothing is trained, nothing is sent.";
    byId("hint").textContent = meta.points
      ? "Click the picture to add an object, drag one to move it (arrow keys move it too, Delete removes it). " +
        "Dashed rings show how far from its place the pictures of a request have their object."
      : "Add objects and choose what they should be.";
    const known = examples();
    byId("examples").append(...known.map(({ name, state: one }) => {
      const button = Draw.element("button", { type: "button" }, name);
      button.dataset.name = name.toLowerCase();
      button.dataset.link = State.toFragment(one, meta);
      button.onclick = () => {
        state = JSON.parse(JSON.stringify(one));
        changed();
      };
      return button;
    }));
    listen();
    main = startWorker(answered);
    const first = meta.points && meta.by === "position" ? known[1] : known[0];
    if (first) state = JSON.parse(JSON.stringify(first.state));
    if (location.hash.length > 1) follow(location.hash);
    else changed();
  }

  addEventListener("DOMContentLoaded", finish);

  return {
    start,
    get state() { return state; },
    get shown() { return shown; },
    get newest() { return newest; },
  };
})();
