// The strict reader of pixels (prediction/strict_reader.py), for any number of objects: which of the
// pictures of every set a sample shows, and what else it shows.
"use strict";

const Reader = (() => {
  const MOST_CANDIDATES = 24; // pictures of a set that are tried where several explain a sample

  // ``rules`` has differs, explained, overlap and leftover; ``picture(id)`` gives the numbers of a
  // picture, channel after channel; ``ground`` those of all backgrounds, one after the other.
  function makeReader(rules, picture, ground, numBackgrounds, pixels) {
    const learned = new Map();

    // What is foreign to the nearest background, per pixel; nearest where ``covered`` is 0.
    function foreignTo(x, covered) {
      let [least, nearest] = [Infinity, 0];
      for (let b = 0; b < numBackgrounds; b++) {
        let apart = 0;
        for (let i = 0; i < pixels && apart < least; i++) {
          if (covered && covered[i]) continue;
          for (let c = 0; c < 3; c++) {
            const difference = x[c * pixels + i] - ground[(3 * b + c) * pixels + i];
            apart += difference * difference;
          }
        }
        if (apart < least) [least, nearest] = [apart, b];
      }
      return (i, c) => x[c * pixels + i] - ground[(3 * nearest + c) * pixels + i];
    }

    // The mask of a picture, as the list of its pixels, and its contrast inside and outside.
    function learn(id) {
      if (learned.has(id)) return learned.get(id);
      const x = picture(id);
      const away = foreignTo(x, null);
      const mask = [];
      let [energy, shade] = [0, 0];
      for (let i = 0; i < pixels; i++) {
        const red = away(i, 0);
        const green = away(i, 1);
        const blue = away(i, 2);
        const square = red * red + green * green + blue * blue;
        if (Math.max(Math.abs(red), Math.abs(green), Math.abs(blue)) <= rules.differs) {
          shade += square;
          continue;
        }
        mask.push(i);
        energy += square;
      }
      const inside = new Uint8Array(pixels);
      for (const i of mask) inside[i] = 1;
      const found = { id, x, mask: Uint16Array.from(mask), inside, energy, shade };
      learned.set(id, found);
      return found;
    }

    function common(a, b) {
      let count = 0;
      for (const i of a.mask) count += b.inside[i];
      return count;
    }

    function apart(a, b) {
      return common(a, b) <= rules.overlap * Math.min(a.mask.length, b.mask.length);
    }

    // Share of pairs of pictures of two sets that lie apart: success, were places independent.
    function ceiling(first, second) {
      const [a, b] = [first, second].map((ids) => ids.map(learn).filter((one) => one.energy > 0));
      let count = 0;
      for (const one of a) for (const other of b) count += apart(one, other);
      return count / (a.length * b.length);
    }

    // Pictures of a set that explain ``x``, the least unexplained first.
    function explaining(x, ids) {
      const found = [];
      for (const id of ids) {
        const one = learn(id);
        if (one.energy === 0) continue;
        let left = 0;
        for (const i of one.mask) {
          for (let c = 0; c < 3; c++) {
            const difference = x[c * pixels + i] - one.x[c * pixels + i];
            left += difference * difference;
          }
        }
        found.push({ one, left, share: left / one.energy });
      }
      return found.sort((a, b) => a.share - b.share);
    }

    // What a sample ``x`` in [-1, 1] shows of the sets of ids ``asked``.
    //
    //   met       whether each is shown, at a place of its own where several are
    //   apart     whether all that are shown lie apart
    //   alone     whether a picture of one of several sets explains everything
    //   others    foreign regions outside of what is shown, each of an object's contrast
    //   nothingElse  whether all that is foreign outside has less
    function read(x, asked) {
      const candidates = asked.map((ids) => explaining(x, ids));
      const shows = candidates.map((all) => all.length > 0 && all[0].share <= rules.explained);
      const covered = new Uint8Array(pixels);
      for (const all of candidates) if (all.length) for (const i of all[0].one.mask) covered[i] = 1;
      const away = foreignTo(x, covered);
      const foreign = new Float64Array(pixels);
      let everything = 0;
      for (let i = 0; i < pixels; i++) {
        foreign[i] = away(i, 0) ** 2 + away(i, 1) ** 2 + away(i, 2) ** 2;
        everything += foreign[i];
      }
      const chosen = choose(candidates, shows, foreign);
      const union = new Uint8Array(pixels);
      for (const { one } of chosen.filter(Boolean)) for (const i of one.mask) union[i] = 1;
      const known = [...chosen.filter(Boolean), ...candidates.filter((all) => all.length).map((all) => all[0])];
      const least = (what) => known.reduce((best, { one }) => Math.min(best, what(one)), Infinity);
      const most = known.length ? rules.leftover * least((one) => one.energy) : rules.leftover;
      // Half of what the objects have in the middle: shades of the light and the rims of objects have
      // less. A picture differs from the ground by up to `differs` where it has no object; every request
      // adds a picture's shades and takes a background's away, and their squares add up like noise's.
      const middle = (what) => known.map(({ one }) => what(one)).sort((x, y) => x - y)[known.length >> 1];
      const half = known.length ? rules.leftover * middle((one) => one.energy / one.mask.length) : 0;
      const size = known.length ? middle((one) => one.mask.length) / 2 : 1;
      const shades = 2 * Math.max(1, asked.length) * rules.differs ** 2;
      const enough = known.length ? rules.leftover * middle((one) => one.energy) : most;
      let left = 0;
      for (let i = 0; i < pixels; i++) if (!union[i]) left += foreign[i];
      // a picture that one of several sets explains alone shows no two
      const alone = asked.length > 1 && candidates.some((all, k) => shows[k] && all.some(
        ({ one, share }) => share <= rules.explained && everything - inside(one, foreign) <= most + one.shade
      ));
      const own = chosen.reduce((sum, found) => sum + (found ? found.one.shade : 0), 0);
      const met = chosen.map(Boolean);
      const isApart = met.every(Boolean) && !alone;
      return {
        met, shows, apart: isApart, alone,
        others: regions(withoutLight(away, union), union, Math.max(half, shades), enough, size),
        // the pairs' rule: of many objects, the faint changes of light alone add up to more
        nothingElse: left <= most + own,
      };
    }

    function inside(one, foreign) {
      let sum = 0;
      for (const i of one.mask) sum += foreign[i];
      return sum;
    }

    // One picture of every set that is shown, such that as many as can be lie apart; of these the
    // ones that leave least unexplained, inside of their masks less what they cover outside.
    function choose(candidates, shows, foreign) {
      const options = candidates.map((all, k) => shows[k]
        ? all.filter(({ share }) => share <= rules.explained).slice(0, MOST_CANDIDATES)
          .map(({ one, left }) => ({ one, cost: left - inside(one, foreign) }))
          .sort((a, b) => a.cost - b.cost)
        : []);
      const order = options.map((_, k) => k).sort((a, b) => options[a].length - options[b].length);
      let best = { count: -1, cost: Infinity, chosen: [] };
      let tried = 0;
      const walk = (depth, chosen, count, cost) => {
        if (tried++ > 4000) return;
        const possible = count + order.length - depth;
        if (possible < best.count) return;
        if (depth === order.length) {
          if (count > best.count || cost < best.cost) best = { count, cost, chosen: chosen.slice() };
          return;
        }
        const k = order[depth];
        for (const option of options[k]) {
          if (chosen.some((other) => other && !apart(other.one, option.one))) continue;
          let both = 0; // what two masks cover is subtracted once
          for (const other of chosen) {
            if (other) for (const i of option.one.mask) both += other.one.inside[i] * foreign[i];
          }
          chosen[k] = option;
          walk(depth + 1, chosen, count + 1, cost + option.cost + both);
          chosen[k] = null;
        }
        walk(depth + 1, chosen, count, cost);
      };
      walk(0, candidates.map(() => null), 0, 0);
      return best.chosen;
    }

    // What is foreign outside of ``union`` but for a light that changes slowly, of second order in x
    // and y: the changes of light of many objects' pictures add up. Squares, per pixel.
    function withoutLight(away, union) {
      const width = rules.width;
      const basis = (i) => {
        const x = (2 * (i % width)) / width - 1;
        const y = (2 * Math.floor(i / width)) / (pixels / width) - 1;
        return [1, x, y, x * x, x * y, y * y];
      };
      const out = new Float64Array(pixels);
      const free = [];
      for (let i = 0; i < pixels; i++) if (!union[i]) free.push(i);
      for (let c = 0; c < 3; c++) {
        // least squares by Gaussian elimination, with a trace of a ridge
        const rows = Array.from({ length: 6 }, (_, a) => new Array(7).fill(0).map((_, b) => (a === b ? 1e-6 : 0)));
        for (const i of free) {
          const terms = [...basis(i), away(i, c)];
          for (let a = 0; a < 6; a++) for (let b = 0; b < 7; b++) rows[a][b] += terms[a] * terms[b];
        }
        for (let a = 0; a < 6; a++) {
          for (let below = 0; below < 6; below++) {
            if (below === a) continue;
            const share = rows[below][a] / rows[a][a];
            for (let b = a; b < 7; b++) rows[below][b] -= share * rows[a][b];
          }
        }
        const fit = rows.map((row, a) => row[6] / row[a]);
        for (const i of free) {
          const light = basis(i).reduce((sum, term, a) => sum + term * fit[a], 0);
          out[i] += (away(i, c) - light) ** 2;
        }
      }
      return out;
    }

    // Connected regions outside of ``union`` and its rim of at least ``size`` pixels, foreign by more than
    // ``threshold`` at every pixel and by more than ``most`` together.
    function regions(foreign, union, threshold, most, size) {
      const width = rules.width;
      const seen = Uint8Array.from(union, (inside, i) => inside || union[i - width] ||
        union[i + width] || (i % width && union[i - 1]) || ((i + 1) % width && union[i + 1]) ? 1 : 0);
      let count = 0;
      for (let start = 0; start < pixels; start++) {
        if (seen[start] || foreign[start] <= threshold) continue;
        let [energy, area] = [0, 0];
        const stack = [start];
        seen[start] = 1;
        while (stack.length) {
          const i = stack.pop();
          area += 1;
          energy += foreign[i];
          const near = [i - width, i + width];
          if (i % width) near.push(i - 1);
          if (i % width < width - 1) near.push(i + 1);
          for (const j of near) {
            if (j < 0 || j >= pixels || seen[j] || foreign[j] <= threshold) continue;
            seen[j] = 1;
            stack.push(j);
          }
        }
        count += energy > most && area >= size;
      }
      return count;
    }

    return { read, ceiling, learn };
  }

  // One word for what a sample shows of two sets, as strict_reader.OUTCOMES has them.
  function outcome({ shows, apart, nothingElse }) {
    if (apart) return nothingElse ? "success" : "extra";
    if (shows[0] && shows[1]) return "together";
    return shows[0] ? "first_only" : shows[1] ? "second_only" : "neither";
  }

  return { makeReader, outcome };
})();

if (typeof module !== "undefined") module.exports = Reader;
