// Exact composition in plain JavaScript: scores of sets of pictures, operators, samplers.
//
// It repeats what the library computes (exact/, composition/, samplers/, features/), so that a page
// can be played with without it; tests/unit/playground compares the two on the same noise. Pictures
// are numbers in [-1, 1], channel after channel. Stacked scores stand background first.
"use strict";

const Engine = (() => {
  // Below the likeliest picture by so many nats, a picture is left out (exact/points.py).
  const NEGLIGIBLE = 30;
  // Added to a Gram matrix's diagonal, relative to its trace (composition/superposition_and.py).
  const RIDGE = 1e-9;

  // --- noise ------------------------------------------------------------------------------------

  function hash(x) {
    x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
    x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
    return (x ^ (x >>> 16)) >>> 0;
  }

  // Standard normal numbers by name: the same seed, sample, draw and place give the same number.
  function normals(seed, sample, draw, count) {
    const key = hash(seed ^ hash(sample ^ hash(draw ^ 0x9e3779b9)));
    const out = new Float32Array(count);
    for (let i = 0; i < count; i += 2) {
      const first = (hash(hash(i) ^ key) + 0.5) / 4294967296;
      const second = (hash(hash(i + 1) ^ key) + 0.5) / 4294967296;
      const radius = Math.sqrt(-2 * Math.log(first)); // Box and Muller 1958
      out[i] = radius * Math.cos(2 * Math.PI * second);
      if (i + 1 < count) out[i + 1] = radius * Math.sin(2 * Math.PI * second);
    }
    return out;
  }

  // EDM's noise levels and a final 0 (Karras et al. 2022, equation 5).
  function edmLevels(count, least, greatest, rho) {
    const [high, low] = [greatest, least].map((level) => level ** (1 / rho));
    const levels = Array.from({ length: count }, (_, i) =>
      count === 1 ? greatest : (high + (i / (count - 1)) * (low - high)) ** rho
    );
    if (count > 1) levels[count - 1] = least;
    levels[0] = greatest;
    return [...levels, 0];
  }

  // --- feature maps -----------------------------------------------------------------------------

  // Maps of pixels, ``encode`` from 3 channels and ``decode`` back. ``colors`` has CLEVR's colours,
  // then the ground's (features/colors.py).
  function features(chosen, colors) {
    if (chosen.name === "rgb") return { channels: 3, encode: (x) => x, decode: (f) => f };
    if (chosen.name === "luminance") {
      // I + (scale - 1) u u^T with u along gray, times the gain; the inverse has 1 / scale
      const times = (gain, scale) => (x) => {
        const size = x.length / 3;
        const out = new Float32Array(x.length);
        for (let i = 0; i < size; i++) {
          const more = ((scale - 1) * (x[i] + x[size + i] + x[2 * size + i])) / 3;
          for (let c = 0; c < 3; c++) out[c * size + i] = gain * (x[c * size + i] + more);
        }
        return out;
      };
      const { gain, scale } = chosen;
      return { channels: 3, encode: times(gain, scale), decode: times(1 / gain, 1 / scale) };
    }
    const { rgb, sharpness, gain } = chosen; // palette
    const kinds = colors.length - 1;
    const encode = (x) => {
      const size = x.length / 3;
      const out = new Float32Array((3 + kinds) * size);
      const alike = new Float64Array(kinds + 1);
      for (let i = 0; i < size; i++) {
        let best = -Infinity;
        for (let k = 0; k <= kinds; k++) {
          let apart = 0;
          for (let c = 0; c < 3; c++) apart += (x[c * size + i] - colors[k][c]) ** 2;
          alike[k] = -sharpness * apart;
          best = Math.max(best, alike[k]);
        }
        let total = 0;
        for (let k = 0; k <= kinds; k++) total += alike[k] = Math.exp(alike[k] - best);
        for (let c = 0; c < 3; c++) out[c * size + i] = gain * rgb * x[c * size + i];
        for (let k = 0; k < kinds; k++) out[(3 + k) * size + i] = (gain * alike[k]) / total;
      }
      return out;
    };
    const decode = (f) => {
      const size = f.length / (3 + kinds);
      return Float32Array.from(f.subarray(0, 3 * size), (value) => value / (gain * rgb));
    };
    return { channels: 3 + kinds, encode, decode };
  }

  // --- sets of pictures -------------------------------------------------------------------------

  function dot(a, b, start, size) {
    let s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    const even = size - (size % 4);
    for (let i = 0; i < even; i += 4) {
      s0 += a[i] * b[start + i];
      s1 += a[i + 1] * b[start + i + 1];
      s2 += a[i + 2] * b[start + i + 2];
      s3 += a[i + 3] * b[start + i + 3];
    }
    for (let i = even; i < size; i++) s0 += a[i] * b[start + i];
    return s0 + s1 + s2 + s3;
  }

  // The same of samples, 64 bits a number, and pictures, 32 bits: browsers compile a function for
  // the kinds of array that it has met, and one that met several is slower.
  function dotWithPicture(x, data, start, size) {
    let s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    const even = size - (size % 4);
    for (let i = 0; i < even; i += 4) {
      s0 += x[i] * data[start + i];
      s1 += x[i + 1] * data[start + i + 1];
      s2 += x[i + 2] * data[start + i + 2];
      s3 += x[i + 3] * data[start + i + 3];
    }
    for (let i = even; i < size; i++) s0 += x[i] * data[start + i];
    return s0 + s1 + s2 + s3;
  }

  // A finite set: ``data`` of ``count`` pictures one after the other, with log-weights.
  function makePoints(data, count, logWeights) {
    const size = data.length / count;
    const halfNorms = new Float64Array(count);
    for (let n = 0; n < count; n++) {
      const one = Float64Array.from(data.subarray(n * size, (n + 1) * size));
      halfNorms[n] = dot(one, one, 0, size) / 2;
    }
    return { data, count, size, halfNorms, logWeights: logWeights || new Float64Array(count) };
  }

  // The posterior's mean: sum_n softmax_n(log w_n - |x - x_n|^2 / 2 sigma^2) x_n.
  function denoise(points, x, sigma, out) {
    const { data, count, size, halfNorms, logWeights } = points;
    const weights = new Float64Array(count);
    let best = -Infinity;
    for (let n = 0; n < count; n++) {
      const product = dotWithPicture(x, data, n * size, size);
      weights[n] = logWeights[n] + (product - halfNorms[n]) / (sigma * sigma);
      if (weights[n] > best) best = weights[n];
    }
    let total = 0;
    const kept = [];
    for (let n = 0; n < count; n++) {
      if (weights[n] <= best - NEGLIGIBLE) continue;
      total += weights[n] = Math.exp(weights[n] - best);
      kept.push(n);
    }
    out.fill(0);
    let at = 0;
    for (; at + 4 <= kept.length; at += 4) { // four pictures a pass over ``out``
      const [a, b, c, d] = kept.slice(at, at + 4).map((n) => weights[n] / total);
      const [p, q, r, s] = kept.slice(at, at + 4).map((n) => n * size);
      for (let i = 0; i < size; i++) {
        out[i] += a * data[p + i] + b * data[q + i] + c * data[r + i] + d * data[s + i];
      }
    }
    for (; at < kept.length; at++) {
      const [share, start] = [weights[kept[at]] / total, kept[at] * size];
      for (let i = 0; i < size; i++) out[i] += share * data[start + i];
    }
  }

  // The local posterior's mean: every pixel has the weights of its own window (exact/windows.py).
  function denoiseByWindows(points, x, sigma, out, shape, window) {
    const { data, count, size, logWeights } = points;
    const [channels, height, width] = shape;
    const pixels = height * width;
    const reach = window >> 1;
    const double = 2 * sigma * sigma;
    const best = new Float64Array(pixels).fill(-Infinity);
    const total = new Float64Array(pixels);
    const apart = new Float64Array(pixels);
    const along = new Float64Array(pixels);
    out.fill(0);
    for (let n = 0; n < count; n++) {
      apart.fill(0);
      for (let c = 0; c < channels; c++) {
        const from = c * pixels;
        const start = n * size + from;
        for (let i = 0; i < pixels; i++) {
          const difference = x[from + i] - data[start + i];
          apart[i] += difference * difference;
        }
      }
      boxSums(apart, along, height, width, reach);
      for (let i = 0; i < pixels; i++) {
        const level = logWeights[n] - along[i] / double;
        if (level <= best[i] - NEGLIGIBLE) continue;
        let share = 1;
        if (level > best[i]) {
          const fade = Math.exp(best[i] - level);
          best[i] = level;
          total[i] *= fade;
          for (let c = 0; c < channels; c++) out[c * pixels + i] *= fade;
        } else {
          share = Math.exp(level - best[i]);
        }
        total[i] += share;
        for (let c = 0; c < channels; c++) {
          out[c * pixels + i] += share * data[n * size + c * pixels + i];
        }
      }
    }
    for (let i = 0; i < pixels; i++) {
      for (let c = 0; c < channels; c++) out[c * pixels + i] /= total[i];
    }
  }

  // Sums over the square of 2 reach + 1 pixels around each, cut at the border: rows, then columns.
  function boxSums(values, out, height, width, reach) {
    for (let row = 0; row < height; row++) lineSums(values, out, row * width, 1, width, reach);
    values.set(out);
    for (let column = 0; column < width; column++) {
      lineSums(values, out, column, width, height, reach);
    }
  }

  function lineSums(values, out, start, step, length, reach) {
    let sum = 0;
    for (let i = 0; i < Math.min(reach, length); i++) sum += values[start + i * step];
    for (let i = 0; i < length; i++) {
      if (i + reach < length) sum += values[start + (i + reach) * step];
      if (i > reach) sum -= values[start + (i - reach - 1) * step];
      out[start + i * step] = sum;
    }
  }

  // --- operators --------------------------------------------------------------------------------

  function weightedSum(weights, stacked) {
    const out = new Float64Array(stacked[0].length);
    stacked.forEach((score, j) => {
      const weight = weights[j];
      for (let i = 0; i < out.length; i++) out[i] += weight * score[i];
    });
    return out;
  }

  function difference(a, b) {
    const out = new Float64Array(a.length);
    for (let i = 0; i < out.length; i++) out[i] = a[i] - b[i];
    return out;
  }

  function gram(vectors) {
    const products = vectors.map(() => new Array(vectors.length));
    vectors.forEach((v, i) => {
      for (let j = 0; j <= i; j++) {
        products[i][j] = products[j][i] = dot(v, vectors[j], 0, v.length);
      }
    });
    return products;
  }

  // The product over a background, p_b prod_i (p_i / p_b)^w_i, with the interaction of its deltas
  // (composition/feynman_kac.py): dv <delta_i, delta_j> at each level, and its map over numbers.
  function product(weights) {
    const coefficients = [1 - weights.reduce((a, b) => a + b, 0), ...weights];
    const record = { levels: [], perLevel: [], map: null };
    let pending = null;
    return {
      record,
      startScale: 1,
      score(step, stacked) {
        const deltas = stacked.slice(1).map((score) => difference(score, stacked[0]));
        pending = { products: gram(deltas), deltas };
        return weightedSum(coefficients, stacked);
      },
      trial: (stacked) => weightedSum(coefficients, stacked),
      observe(step) {
        if (step.next === 0) return; // lands on a mean, which has no density
        const dv = step.sigma ** 2 - step.next ** 2;
        const { products, deltas } = pending;
        const size = deltas.length ? deltas[0].length : 0;
        record.map = record.map || new Float64Array(size);
        for (let i = 0; i < size; i++) {
          let [sum, squares] = [0, 0];
          deltas.forEach((delta, j) => {
            const part = weights[j] * delta[i];
            sum += part;
            squares += part * part;
          });
          record.map[i] += (dv * (sum * sum - squares)) / 2;
        }
        record.levels.push(step.sigma);
        record.perLevel.push(products.map((row) => row.map((value) => dv * value)));
      },
    };
  }

  // The weighted mean of the scores (composition/linear.py).
  function average(weights) {
    const total = weights.reduce((a, b) => a + b, 0);
    const shares = weights.map((weight) => weight / total);
    return {
      startScale: 1,
      score: (step, stacked) => weightedSum(shares, stacked),
      trial: (stacked) => weightedSum(shares, stacked),
      observe() {},
    };
  }

  // SuperDiff OR by Ito's estimator (composition/superposition_or.py); equal densities at the start.
  function or(count, temperature) {
    const logDensity = new Float64Array(count);
    let scores = null;
    return {
      startScale: 1,
      score(step, stacked) {
        scores = stacked;
        const best = Math.max(...logDensity.map((value) => temperature * value));
        const shares = [...logDensity].map((value) => Math.exp(temperature * value - best));
        const total = shares.reduce((a, b) => a + b, 0);
        return weightedSum(shares.map((share) => share / total), stacked);
      },
      observe(step, dx) {
        if (step.next === 0) return;
        const dv = step.sigma ** 2 - step.next ** 2;
        scores.forEach((score, j) => {
          const own = dot(score, score, 0, score.length);
          logDensity[j] += dot(score, dx, 0, score.length) - (dv / 2) * own;
        });
      },
    };
  }

  // SuperDiff AND as published (composition/superposition_and.py): equal densities on the SDE.
  function and() {
    return {
      startScale: 1,
      score(step, stacked) {
        const dv = step.sigma ** 2 - step.next ** 2;
        const v = stacked.slice(1).map((score) => difference(score, stacked[0]));
        const products = gram(v);
        const right = v.map((one, i) => {
          const noise = step.noise ? step.noiseStd * dot(one, step.noise, 0, one.length) : 0;
          return (dv / 2) * products[i][i] - noise;
        });
        const kappa = solve(products, right).map((value) => value / dv);
        return weightedSum([1, ...kappa], [stacked[0], ...v]);
      },
      observe() {},
    };
  }

  // Solves G a = r by Cholesky's factors, with a ridge; zero where all scores agree.
  function solve(products, right) {
    const count = right.length;
    const trace = products.reduce((sum, row, i) => sum + row[i], 0);
    if (trace === 0) return new Array(count).fill(0);
    const factor = products.map((row) => row.slice());
    for (let i = 0; i < count; i++) {
      factor[i][i] += RIDGE * trace;
      for (let j = 0; j <= i; j++) {
        let sum = factor[i][j];
        for (let k = 0; k < j; k++) sum -= factor[i][k] * factor[j][k];
        factor[i][j] = i === j ? Math.sqrt(Math.max(sum, 1e-300)) : sum / factor[j][j];
      }
    }
    const a = right.slice();
    for (let i = 0; i < count; i++) {
      for (let k = 0; k < i; k++) a[i] -= factor[i][k] * a[k];
      a[i] /= factor[i][i];
    }
    for (let i = count - 1; i >= 0; i--) {
      for (let k = i + 1; k < count; k++) a[i] -= factor[k][i] * a[k];
      a[i] /= factor[i][i];
    }
    return a;
  }

  function makeField(operator) {
    const { name, weights } = operator;
    if (name === "product" || name === "bayes") return product(weights);
    if (name === "average") return average(weights);
    if (name === "superposition_or") return or(weights.length, operator.temperature ?? 1);
    return and();
  }

  // --- samplers ---------------------------------------------------------------------------------

  // Deviation of the noise of a step; the step to 0 has none (samplers/sde.py).
  function noiseStd(sampler, sigma, next) {
    const dv = sigma ** 2 - next ** 2;
    if (next === 0) return 0;
    if (sampler === "sde") return Math.sqrt(dv);
    return sampler === "ancestral" ? Math.sqrt(dv) * (next / sigma) : 0;
  }

  // A path of one sample, step by step: yields ``{sigma, x, denoised}`` before every step, of the
  // composed score; returns ``{x, record}``.
  //
  //   sets      points of the background, where the operator takes one, then of what is composed
  //   operator  {name, weights, temperature}; sampler: heun, euler, sde, ancestral
  //   levels    decreasing noise levels, the last one 0
  //   noise     draw -> standard normal numbers; 0 is the start, s the step number s from 1
  //   shape     [channels, height, width]; window: side in pixels, 0 for the whole picture's
  function* follow({ sets, operator, sampler, levels, noise, shape, window = 0 }) {
    const field = makeField(operator);
    const size = shape[0] * shape[1] * shape[2];
    const known = new Map(); // a set that is asked for twice answers once
    const scores = (x, sigma) => {
      known.clear();
      return sets.map((points) => {
        if (known.has(points)) return known.get(points);
        const out = new Float64Array(size);
        if (window) denoiseByWindows(points, x, sigma, out, shape, window);
        else denoise(points, x, sigma, out);
        for (let i = 0; i < size; i++) out[i] = (out[i] - x[i]) / (sigma * sigma);
        known.set(points, out);
        return out;
      });
    };
    let x = Float64Array.from(noise(0), (value) => levels[0] * field.startScale * value);
    for (let number = 0; number + 1 < levels.length; number++) {
      const [sigma, next] = [levels[number], levels[number + 1]];
      const std = noiseStd(sampler, sigma, next);
      const step = { sigma, next, noiseStd: std, noise: std > 0 ? noise(number + 1) : null };
      const score = field.score(step, scores(x, sigma));
      const denoised = new Float32Array(size);
      for (let i = 0; i < size; i++) denoised[i] = x[i] + sigma * sigma * score[i];
      yield { sigma, x: Float32Array.from(x), denoised };
      const dx = new Float64Array(size);
      if (sampler === "heun" || sampler === "euler") {
        for (let i = 0; i < size; i++) dx[i] = (next - sigma) * -sigma * score[i];
        if (sampler === "heun" && next > 0) {
          const there = new Float64Array(size);
          for (let i = 0; i < size; i++) there[i] = x[i] + dx[i];
          const trial = field.trial(scores(there, next));
          for (let i = 0; i < size; i++) {
            dx[i] = ((next - sigma) * (-sigma * score[i] - next * trial[i])) / 2;
          }
        }
      } else {
        const dv = sigma ** 2 - next ** 2;
        for (let i = 0; i < size; i++) {
          dx[i] = dv * score[i] + (step.noise ? std * step.noise[i] : 0);
        }
      }
      field.observe(step, dx);
      const moved = new Float64Array(size);
      for (let i = 0; i < size; i++) moved[i] = x[i] + dx[i];
      x = moved;
    }
    return { x: Float32Array.from(x), record: field.record || null };
  }

  // Cosines <delta_i, delta_j> / (|delta_i| |delta_j|) over a whole path.
  function cosines(perLevel) {
    if (!perLevel.length) return [];
    const total = perLevel[0].map((row, i) =>
      row.map((_, j) => perLevel.reduce((sum, products) => sum + products[i][j], 0))
    );
    return total.map((row, i) =>
      row.map((value, j) => value / Math.sqrt(Math.max(total[i][i] * total[j][j], 1e-300)))
    );
  }

  return {
    normals, edmLevels, features, makePoints, denoise, denoiseByWindows, follow, cosines, dot,
  };
})();

if (typeof module !== "undefined") module.exports = Engine;
