// How long the playground's compositions take: node benchmarks/playground.js results/playground.html
//
// Prints seconds of processor time and of the clock of one core, for the first k of its places, Heun, 18 noise levels,
// the second time that each is composed (the first one has the programs compiled).
"use strict";

const fs = require("fs");
const path = require("path");
const vm = require("vm");

const text = fs.readFileSync(process.argv[2], "utf8");
const inside = (id) => new RegExp(`<script[^>]* id="${id}">([\\s\\S]*?)</script>`).exec(text)[1];
const meta = JSON.parse(inside("meta"));
const programs = ["engine", "pool", "state"].map(inside).join("\n");
const { Engine, Pool } = vm.runInThisContext(`${programs}\n({ Engine, Pool })`);

async function main() {
  const { width, height, count, backgrounds } = meta;
  const begun = performance.now();
  const pictures = Pool.makePictures(meta);
  for (const part of ["first-pictures", "other-pictures"]) pictures.add(inside(part).split("\n").filter(Boolean));
  await pictures.need([...Array(count + backgrounds).keys()]);
  console.log(`${path.basename(process.argv[2])}: ${count + backgrounds} pictures unpacked in ` +
    `${((performance.now() - begun) / 1000).toFixed(2)} s`);
  const points = (ids, map) => {
    const size = map.channels * width * height;
    const data = new Float32Array(ids.length * size);
    ids.forEach((id, n) => data.set(map.encode(pictures.get(id)), n * size));
    return Engine.makePoints(data, ids.length);
  };
  const ground = Array.from({ length: backgrounds }, (_, n) => count + n);
  for (const [k, name, window] of [[1, "rgb", 0], [5, "rgb", 0], [9, "rgb", 0], [5, "palette", 0], [5, "rgb", 9]]) {
    const map = Engine.features({ name, ...meta.features[name] }, meta.features.colors);
    const objects = meta.places.apart.slice(0, k).map((at) => ({ at, labels: {} }));
    const sets = [ground, ...objects.map((one) => Pool.answering(meta, one).ids)].map((ids) => points(ids, map));
    const size = map.channels * width * height;
    let took;
    for (let time = 0; time < 2; time++) {
      const [clock, used] = [performance.now(), process.cpuUsage()];
      const follow = Engine.follow({
        sets, operator: { name: "product", weights: objects.map(() => 1) }, sampler: "heun",
        levels: Engine.edmLevels(18, 0.01, 20, meta.choice.rho),
        noise: (draw) => Engine.normals(0, 0, draw, size), shape: [map.channels, height, width], window,
      });
      while (!follow.next().done);
      const { user, system } = process.cpuUsage(used);
      took = [(user + system) / 1e6, (performance.now() - clock) / 1000];
    }
    const [processor, clock] = took.map((value) => value.toFixed(2));
    console.log(`k = ${k}, ${name}${window ? `, window ${window}` : ""}: ${processor} s of the processor, ${clock} s`);
  }
}

main();
