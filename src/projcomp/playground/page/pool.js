// The pictures that a page carries: how they are unpacked, and which of them answer a request.
"use strict";

const Pool = (() => {
  // Undoes playground/page.py: bytes as base64, deflated; every row less the one above it.
  async function unpack(base64, count, height, width) {
    const text = atob(base64);
    const packed = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i);
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    const [row, size] = [3 * width, 3 * width * height];
    if (bytes.length !== count * size) throw new Error("the page's pictures are damaged");
    for (let n = 0; n < count; n++) {
      for (let i = n * size + row; i < (n + 1) * size; i++) bytes[i] += bytes[i - row];
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

  return { unpack, picture, answering };
})();

if (typeof module !== "undefined") module.exports = Pool;
