// The pictures that a page carries: how they are unpacked, and which of them answer a request.
"use strict";

const Pool = (() => {
  // The pictures of a page: bundles of ``meta.bundle`` of them, each base64 of deflated bytes whose
  // rows are less the one above (playground/page.py). A bundle is unpacked when it is first needed,
  // and may come when it is waited for: the first picture waits for few of them.
  function makePictures(meta) {
    const { height, width, bundle } = meta;
    const total = meta.count + meta.backgrounds;
    const size = 3 * width * height;
    const length = Math.ceil(total / bundle);
    const unpacked = new Array(length).fill(null);
    const opening = new Array(length).fill(null);
    const coming = Array.from({ length }, () => {
      const one = {};
      one.text = new Promise((resolve) => (one.has = resolve));
      return one;
    });

    async function open(number) {
      const text = await coming[number].text;
      const expected = Math.min(bundle, total - number * bundle) * size;
      if (text) unpacked[number] = await unpack(text, height, width);
      if (unpacked[number]?.length !== expected) throw new Error("the page's pictures are damaged");
      coming[number] = null;
    }

    return {
      // Takes bundles, each a line of its number and its text.
      add(lines) {
        for (const line of lines) {
          const [number, text] = line.split(" ");
          coming[Number(number)].has(text);
        }
      },
      // No more will come: what waits for others fails.
      end: () => coming.forEach((one) => one && one.has("")),
      // Resolves when all of these can be had.
      async need(ids) {
        const numbers = [...new Set(ids.map((id) => Math.floor(id / bundle)))];
        await Promise.all(numbers.map((number) => (opening[number] ??= open(number))));
      },
      get: (id) => picture(unpacked[Math.floor(id / bundle)], id % bundle, width * height),
    };
  }

  async function unpack(base64, height, width) {
    const text = atob(base64);
    const packed = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i);
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    const [row, size] = [3 * width, 3 * width * height];
    for (let start = 0; start < bytes.length; start += size) {
      for (let i = start + row; i < start + size; i++) bytes[i] += bytes[i - row];
    }
    return bytes;
  }

  // Numbers in [-1, 1], channel after channel, of picture ``id`` of the bytes (N, H, W, 3).
  function picture(bytes, id, pixels) {
    const out = new Float32Array(3 * pixels);
    const start = 3 * pixels * id;
    for (let i = 0; i < pixels; i++) {
      for (let c = 0; c < 3; c++) out[c * pixels + i] = bytes[start + 3 * i + c] / 127.5 - 1;
    }
    return out;
  }

  // Which pictures answer an object: those with its labels whose own object lies within the
  // bandwidth of its place; the ``least`` nearest where there are fewer, the ``most`` nearest where
  // there are more. ``radius`` is how far the farthest of them lies.
  function answering(meta, object) {
    const wanted = Object.entries(object.labels).map(([name, value]) => {
      const { names, values } = meta.labels[name];
      return [values, names.indexOf(value)];
    });
    const ids = [];
    for (let n = 0; n < meta.count; n++) {
      if (wanted.every(([values, number]) => values[n] === number)) ids.push(n);
    }
    const { least, most, bandwidth } = meta.choice;
    if (!object.at) {
      // spread over all of them, so that no part of a dataset is preferred
      const step = Math.max(1, ids.length / most);
      const some = [];
      for (let at = 0; Math.floor(at) < ids.length; at += step) some.push(ids[Math.floor(at)]);
      return { ids: some, radius: 0 };
    }
    const [x, y] = object.at;
    const away = (n) => Math.hypot(meta.points[2 * n] - x, meta.points[2 * n + 1] - y);
    const near = ids.map((n) => [n, away(n)]).sort((a, b) => a[1] - b[1] || a[0] - b[0]);
    const inside = near.filter(([, distance]) => distance <= bandwidth).length;
    const chosen = near.slice(0, Math.min(most, Math.max(least, inside)));
    return { ids: chosen.map(([n]) => n), radius: chosen.length ? chosen[chosen.length - 1][1] : 0 };
  }

  return { makePictures, picture, answering };
})();

if (typeof module !== "undefined") module.exports = Pool;
