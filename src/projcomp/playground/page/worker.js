// The worker: keeps the pictures, composes what is asked, and drops it when something newer comes.
//
// In: {kind: "open", meta}, {kind: "bundles", lines, last}, {kind: "compose", id, state},
// {kind: "pairs", id, state}, {kind: "stop", id}. Out: path, sample, done, pairs and failed, each
// with the id of what it answers. Between two noise levels it looks whether a newer id has come.
"use strict";

const MOST_SETS = 24; // sets of pictures that are kept as numbers
const SLICE = 12; // milliseconds between two looks at what has come

let meta = null;
let pictures = null;
let reader = null;
let latest = 0;
const kept = new Map();
const composed = new Map(); // what came of pairs, by their pictures

const pixels = () => meta.height * meta.width;
const shapeOf = (map) => [map.channels, meta.height, meta.width];

function tick() {
  return new Promise((resolve) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = resolve;
    channel.port2.postMessage(0);
  });
}

class Overtaken extends Error {}

// A set of pictures as points in the space of a feature map; the sets used last are kept.
function pointsOf({ ids, logWeights }, state, map) {
  const key = [state.features, state.scale, Boolean(logWeights), ids].join(" ");
  const found = kept.get(key);
  if (found) {
    kept.delete(key);
    kept.set(key, found);
    return found;
  }
  const size = map.channels * pixels();
  const data = new Float32Array(ids.length * size);
  ids.forEach((id, n) => data.set(map.encode(pictures.get(id)), n * size));
  const points = Engine.makePoints(data, ids.length, logWeights);
  kept.set(key, points);
  if (kept.size > MOST_SETS) kept.delete(kept.keys().next().value);
  return points;
}

// Numbers of a page's pictures: those with an object first, then the backgrounds.
const backgroundIds = () => Array.from({ length: meta.backgrounds }, (_, n) => meta.count + n);

function backgroundOf(state) {
  if (state.operator !== "bayes" && state.background === "empty") return { ids: backgroundIds() };
  // the unconditional distribution: all pictures, the empty ones with their share of the draws
  const ids = [...Array(meta.count).keys(), ...backgroundIds()];
  const share = meta.backgrounds ? meta.choice.empty_share : 0;
  const logWeights = Float64Array.from(ids, (id) =>
    Math.log(id < meta.count ? (1 - share) / meta.count : share / meta.backgrounds)
  );
  return { ids, logWeights };
}

// The pictures that answer every object, with how far they lie from its place.
function answersOf(state) {
  return state.objects.map((object, k) => {
    const found = Pool.answering(meta, object);
    if (!found.ids.length) throw new Error(`no picture of this page answers object ${k + 1}: ask for less`);
    return found;
  });
}

// Waits until the pictures of these sets are unpacked.
async function unpacked(sets, id) {
  await pictures.need(sets.flatMap(({ ids }) => ids));
  if (id !== latest) throw new Overtaken();
}

// Reads what samples show; null where there is no background to tell objects from.
async function readerOf() {
  if (reader || !meta.backgrounds) return reader;
  const ids = backgroundIds();
  await pictures.need(ids);
  const ground = new Float32Array(ids.length * 3 * pixels());
  ids.forEach((id, n) => ground.set(pictures.get(id), n * 3 * pixels()));
  const rules = { ...meta.reader, width: meta.width };
  reader = Reader.makeReader(rules, pictures.get, ground, ids.length, pixels());
  return reader;
}

function mapOf(state) {
  const chosen = { name: state.features, ...meta.features[state.features] };
  if (state.features === "luminance") chosen.scale = state.scale;
  return Engine.features(chosen, meta.features.colors);
}

const clipped = (x) => x.map((value) => Math.min(1, Math.max(-1, value)));

// Runs a path, slice by slice; ``onStep`` sees every step.
async function run(path, id, onStep = () => {}) {
  let begun = performance.now();
  for (;;) {
    const { value, done } = path.next();
    if (done) return value;
    onStep(value);
    if (performance.now() - begun > SLICE) {
      await tick();
      if (id !== latest) throw new Overtaken();
      begun = performance.now();
    }
  }
}

async function compose(id, state) {
  const map = mapOf(state);
  const chosen = answersOf(state);
  const alone = !state.objects.length; // the background by itself
  const operator = {
    name: alone ? "product" : state.operator,
    weights: state.objects.map((object) => object.weight),
  };
  const first = State.needsBackground(operator.name) ? [backgroundOf(state)] : [];
  await unpacked([...first, ...chosen], id);
  const sets = [...first, ...chosen].map((one) => pointsOf(one, state, map));
  const shape = shapeOf(map);
  const size = shape[0] * shape[1] * shape[2];
  const levels = Engine.edmLevels(state.steps, state.least, state.greatest, meta.choice.rho);
  const wanted = chosen.filter((_, k) => state.objects[k].weight > 0).map(({ ids }) => ids);
  const avoided = chosen.filter((_, k) => state.objects[k].weight < 0).map(({ ids }) => ids);
  for (let sample = 0; sample < state.samples; sample++) {
    const steps = [];
    const path = Engine.follow({
      sets,
      operator,
      sampler: state.sampler,
      levels,
      noise: (draw) => Engine.normals(state.seed, sample, draw, size),
      shape,
      window: state.window,
    });
    const { x, record } = await run(path, id, (step) => {
      if (sample === 0) steps.push(step);
    });
    const picture = map.decode(x);
    if (sample === 0) { // seen before it is read
      postMessage({
        kind: "path", id, picture,
        steps: steps.map((step) => ({
          sigma: step.sigma, x: map.decode(step.x), denoised: map.decode(step.denoised),
        })),
        radii: chosen.map(({ radius }) => radius),
        numbers: chosen.map(({ ids }) => ids.length),
        interaction: record && record.perLevel.length && chosen.length > 1 ? {
          levels: record.levels,
          perLevel: record.perLevel,
          cosines: Engine.cosines(record.perLevel),
          map: overChannels(record.map, shape),
        } : null,
      });
    }
    await tick();
    const known = await readerOf();
    if (id !== latest) throw new Overtaken();
    const read = known ? judge(known, clipped(picture), wanted, avoided) : null;
    postMessage({ kind: "sample", id, sample, picture, read });
  }
  postMessage({ kind: "done", id });
}

// Success needs all that is wanted, apart, and nothing else; what is avoided is something else.
function judge(known, x, wanted, avoided) {
  const found = known.read(x, wanted);
  const shown = avoided.map((ids) => known.read(x, [ids]).shows[0]);
  return {
    met: found.met,
    count: found.met.filter(Boolean).length + found.others,
    others: found.others,
    success: found.others === 0 && !shown.some(Boolean) && (found.apart || !wanted.length),
    avoided: shown,
  };
}

function overChannels(map, [channels, height, width]) {
  const out = new Float32Array(height * width);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < out.length; i++) out[i] += map[c * out.length + i];
  }
  return out;
}

// Every pair of what is asked for, composed as `projcomp predict` does it.
async function pairs(id, state) {
  const { recipe } = meta.choice;
  const map = mapOf(state);
  const levels = Engine.edmLevels(recipe.steps, recipe.least, recipe.greatest, meta.choice.rho);
  const plain = { ...state, operator: "product", background: "empty" };
  const chosen = answersOf(plain);
  const wanted = [backgroundOf(plain), ...chosen];
  await unpacked(wanted, id);
  const [background, ...sets] = wanted.map((one) => pointsOf(one, plain, map));
  const known = await readerOf();
  const shape = shapeOf(map);
  const size = shape[0] * shape[1] * shape[2];
  const rows = [];
  const of = (sets.length * (sets.length - 1)) / 2;
  for (let i = 0; i < sets.length; i++) {
    for (let j = i + 1; j < sets.length; j++) {
      const asked = [chosen[i].ids, chosen[j].ids];
      const key = [state.features, state.scale, state.seed, ...asked.map(String)].join(" ");
      if (composed.has(key)) {
        rows.push({ first: i, second: j, ...composed.get(key) });
        postMessage({ kind: "pairs", id, rows, of });
        continue;
      }
      let successes = 0;
      for (let sample = 0; sample < recipe.samples; sample++) {
        const path = Engine.follow({
          sets: [background, sets[i], sets[j]],
          operator: { name: "product", weights: [1, 1] },
          sampler: "heun",
          levels,
          noise: (draw) => Engine.normals(state.seed, sample, draw, size),
          shape,
        });
        const { x } = await run(path, id);
        successes += Reader.outcome(known.read(clipped(map.decode(x)), asked)) === "success";
      }
      const found = { success: successes / recipe.samples, ceiling: known.ceiling(...asked) };
      composed.set(key, found);
      rows.push({ first: i, second: j, ...found });
      postMessage({ kind: "pairs", id, rows, of });
    }
  }
}

onmessage = async ({ data }) => {
  if (data.kind === "open") {
    meta = data.meta;
    pictures = Pool.makePictures(meta);
    return;
  }
  if (data.kind === "bundles") {
    pictures.add(data.lines);
    if (data.last) pictures.end();
    return;
  }
  latest = data.id;
  try {
    if (data.kind === "compose") await compose(data.id, data.state);
    if (data.kind === "pairs") await pairs(data.id, data.state);
  } catch (error) {
    if (error instanceof Overtaken) return;
    postMessage({ kind: "failed", id: data.id, why: error.message });
  }
};
