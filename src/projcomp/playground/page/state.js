// The state of the page: what is shown, as a link's fragment and as an experiment's YAML.
"use strict";

const State = (() => {
  const MOST_OBJECTS = 9;
  const OPERATORS = ["product", "bayes", "average", "superposition_or", "superposition_and"];
  const SAMPLERS = ["heun", "euler", "sde", "ancestral"];
  const FEATURES = ["rgb", "luminance", "palette"];
  const BACKGROUNDS = ["empty", "unconditional"];
  const NUMBERS = { // name: least, greatest, whether whole
    steps: [2, 64, true],
    seed: [0, 4294967295, true],
    samples: [1, 64, true],
    window: [0, 63, true],
    scale: [0.01, 100, false],
    least: [0.001, 1, false],
    greatest: [2, 200, false],
  };

  function defaults(meta) {
    return {
      objects: [],
      operator: "product",
      background: meta.backgrounds ? "empty" : "unconditional",
      sampler: "heun",
      features: "rgb",
      steps: 18, least: 0.01, greatest: 20,
      seed: 0, samples: 8, window: 0,
      scale: meta.features.luminance.scale,
    };
  }

  const needsBackground = (operator) => operator === "product" || operator === "bayes";
  const hasWeights = (operator) => needsBackground(operator) || operator === "average";
  const needsSde = (operator) => operator.startsWith("superposition");

  // What is wrong with a state, in one line; null where nothing is.
  function problem(state, meta) {
    const oneOf = (what, known, got) =>
      known.includes(got) ? null : `${what}: one of ${known.join(", ")} expected, got ${got}`;
    const backgrounds = meta.backgrounds ? BACKGROUNDS : BACKGROUNDS.slice(1);
    const found =
      oneOf("operator", OPERATORS, state.operator) ||
      oneOf("background", backgrounds, state.background) ||
      oneOf("sampler", SAMPLERS, state.sampler) ||
      oneOf("features", FEATURES, state.features);
    if (found) return found;
    for (const [name, [least, greatest, whole]] of Object.entries(NUMBERS)) {
      const value = state[name];
      const right = value >= least && value <= greatest && (!whole || Number.isInteger(value));
      if (!right) return `${name}: ${whole ? "a whole" : "a"} number from ${least} to ${greatest} expected, got ${value}`;
    }
    if (state.window && state.window % 2 === 0) {
      return `window: an odd number of pixels expected, or 0 for the whole picture, got ${state.window}`;
    }
    if (state.objects.length > MOST_OBJECTS) {
      return `objects: at most ${MOST_OBJECTS} expected, got ${state.objects.length}`;
    }
    for (const object of state.objects) {
      if (!(Math.abs(object.weight) <= 10)) return `weight: a number from -10 to 10 expected, got ${object.weight}`;
      if (object.at && !meta.points) return "place: none expected on this page, got one";
      if (object.at && !object.at.every((value) => value >= 0 && value <= 1)) {
        return `place: two numbers from 0 to 1 expected, got ${object.at.join(", ")}`;
      }
      for (const [name, value] of Object.entries(object.labels)) {
        if (!meta.labels[name]) return `${name}: an attribute of this page expected`;
        const wrong = oneOf(name, meta.labels[name].names, value);
        if (wrong) return wrong;
      }
    }
    const total = state.objects.reduce((sum, object) => sum + object.weight, 0);
    if (state.operator === "average" && state.objects.length && !(total > 0)) {
      return `weights: a positive sum expected for an average, got ${total}: raise some`;
    }
    if (needsSde(state.operator) && state.sampler !== "sde") {
      return `sampler: sde expected with ${state.operator}, whose weights follow its noise, got ${state.sampler}`;
    }
    return null;
  }

  // --- links ------------------------------------------------------------------------------------

  const encoded = (text) => encodeURIComponent(text).replace(/~/g, "%7E"); // ~ divides fields
  const rounded = (value) => String(Math.round(value * 1000) / 1000);

  function objectToText({ at, weight, labels }) {
    const fields = at ? [`at:${rounded(at[0])}:${rounded(at[1])}`] : [];
    for (const [name, value] of Object.entries(labels)) {
      fields.push([name, value].map(encoded).join(":"));
    }
    if (weight !== 1) fields.push(`weight:${weight}`);
    return fields.join("~") || "any";
  }

  function toFragment(state, meta) {
    const parts = [["objects", state.objects.map(objectToText).join("~~")]];
    for (const [name, value] of Object.entries(defaults(meta))) {
      if (name !== "objects" && state[name] !== value) parts.push([name, String(state[name])]);
    }
    return parts.map(([name, value]) => `${name}=${value}`).join("&");
  }

  function objectFromText(text) {
    const object = { at: null, weight: 1, labels: {} };
    if (text === "any") return object;
    for (const field of text.split("~")) {
      const [name, ...values] = field.split(":").map(decodeURIComponent);
      if (name === "at" && values.length === 2) object.at = values.map(number);
      else if (name === "weight" && values.length === 1) object.weight = number(values[0]);
      else if (name !== "at" && values.length === 1) object.labels[name] = values[0];
      else throw new Error(`objects: at:x:y, attribute:value or weight:w expected, got ${field}`);
    }
    return object;
  }

  function number(text) {
    if (text.trim() === "" || !Number.isFinite(Number(text))) {
      throw new Error(`a number expected, got ${text || "nothing"}`);
    }
    return Number(text);
  }

  // The state that a link asks for; an Error with one line says what is wrong with it.
  function fromFragment(fragment, meta) {
    const state = defaults(meta);
    for (const part of fragment.replace(/^#/, "").split("&")) {
      const at = part.indexOf("=");
      const [name, value] = [part.slice(0, at), part.slice(at + 1)];
      if (at < 0 || !(name in state)) throw new Error(`a known setting expected, got ${part.slice(0, 40)}`);
      if (name === "objects") {
        let texts;
        try {
          texts = value ? value.split("~~") : [];
          state.objects = texts.map(objectFromText);
        } catch (error) {
          if (error instanceof URIError) throw new Error("objects: a whole link expected, got a part of one");
          throw error;
        }
      } else if (name in NUMBERS) state[name] = number(value);
      else state[name] = value;
    }
    const wrong = problem(state, meta);
    if (wrong) throw new Error(wrong);
    return state;
  }

  // --- YAML -------------------------------------------------------------------------------------

  const listed = (values) => `[${values.join(", ")}]`;

  // The experiment that is shown, for `snakemake --configfile`; an Error says why there is none.
  // ``radius`` is how far from their places the pictures' objects lie at the most.
  function toYaml(state, meta, radius) {
    const { run } = meta;
    if (!run) throw new Error("the pictures of this page are no dataset of a run: there is no config that knows them");
    if (!state.objects.length) throw new Error("place an object first: an experiment composes at least one");
    const notes = [];
    const negatedLast = [...state.objects].sort((a, b) => (a.weight < 0) - (b.weight < 0));
    const byPlace = negatedLast.every((object) => object.at);
    const byColor = negatedLast.every((object) => !object.at && object.labels.color);
    if (!byPlace && !byColor) {
      throw new Error("networks are told a place or a colour: give all objects a place, or all a colour and no place");
    }
    const condition = byPlace ? "position" : "color";
    const dropped = new Set(negatedLast.flatMap(({ labels }) => Object.keys(labels)));
    if (byColor) dropped.delete("color");
    if (dropped.size) notes.push(`without ${[...dropped].sort().join(", ")}: networks are told ${byPlace ? "places" : "colours"} alone`);

    const lines = [];
    const asked = [];
    if (byPlace) {
      const points = negatedLast.map(({ at }) => listed(at.map(rounded)));
      if (new Set(points).size < points.length) throw new Error("places: different ones expected, got one twice: move an object");
      lines.push("places:", `  playground: ${listed(points)}`);
      asked.push("places: playground", `num_composed: [${points.length}]`);
    } else {
      const colors = negatedLast.map(({ labels }) => labels.color);
      if (colors.length > 2) throw new Error("experiments compose one or two colours: remove objects");
      asked.push(colors.length === 1 ? `single_colors: ${listed(colors)}` : `color_pairs: [${listed(colors)}]`);
    }

    const chosen = state.features === "rgb" ? null
      : state.features === "luminance" ? `{name: luminance, scale: ${state.scale}}` : state.features;
    const plain = state.features !== "luminance" || state.scale === meta.features.luminance.scale;
    const trained = run.trained.find((model) => model.condition === condition &&
      model.features === state.features && plain);
    const model = trained && !state.window ? trained.name : "playground";
    if (model === "playground") {
      const share = run.empty ? Number((0.85 / run.datasets.length).toFixed(6)) : 1;
      const shares = run.datasets.map((name) => `${name}: ${share}`);
      if (run.empty) shares.push(`${run.empty}: 0.15`);
      lines.push("models:", "  playground:");
      if (state.window) {
        lines.push(`    exact: {${shares.join(", ")}}`, `    condition: ${condition}`, `    window: ${state.window}`);
        if (byPlace) lines.push(`    bandwidth: ${Math.ceil(Math.max(radius, 0.001) * 1000) / 1000}`);
        notes.push("windows are for exact models, which need no training");
      } else {
        lines.push(`    datasets: {${shares.join(", ")}}`, `    condition: ${condition}`, "    images_seen: 100000");
      }
      if (chosen) lines.push(`    features: ${chosen}`);
    }

    const weights = negatedLast.map(({ weight }) => weight);
    const weighed = hasWeights(state.operator) && weights.some((weight) => weight !== 1);
    const operator = weighed ? `{name: ${state.operator}, weights: ${listed(weights)}}` : state.operator;
    lines.push("experiments:", "  playground:", `    conditionals: ${model}`);
    if (state.operator === "product") {
      lines.push(`    background: {model: ${model}, condition: ${state.background}}`);
    }
    lines.push(`    operator: ${operator}`, ...asked.map((line) => `    ${line}`));
    lines.push(`    num_samples: ${state.samples}`);
    const { sampler, steps, least, greatest } = state;
    lines.push(`    sampling: {sampler: ${sampler}, num_steps: ${steps}, sigma_min: ${least}, sigma_max: ${greatest}}`);
    if (model !== "playground" || !state.window) lines.push("    exact: true");
    const head = ["# What the playground showed, for snakemake --configfile (its noise is another).",
      ...notes.map((note) => `# ${note}`)];
    return [...head, ...lines, ""].join("\n");
  }

  return {
    MOST_OBJECTS, OPERATORS, SAMPLERS, FEATURES, BACKGROUNDS, NUMBERS,
    defaults, problem, toFragment, fromFragment, toYaml, needsBackground, hasWeights, needsSde,
  };
})();

if (typeof module !== "undefined") module.exports = State;
