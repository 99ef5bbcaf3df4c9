// Pictures, the matrix, the curve and the map: numbers in, elements changed.
"use strict";

const Draw = (() => {
  const byte = (value) => Math.max(0, Math.min(255, Math.round((value + 1) * 127.5)));

  function put(canvas, width, height, pixel) {
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const context = canvas.getContext("2d");
    const image = context.createImageData(width, height);
    for (let i = 0; i < width * height; i++) image.data.set(pixel(i), 4 * i);
    context.putImageData(image, 0, 0);
  }

  // A picture of numbers in [-1, 1], channel after channel; beyond them it is clipped.
  function picture(canvas, x, width, height) {
    const size = width * height;
    put(canvas, width, height, (i) => [byte(x[i]), byte(x[size + i]), byte(x[2 * size + i]), 255]);
  }

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name)
    .split(",").map(Number);

  // A map of numbers of either sign, as strong as its greatest, or as ``least``.
  function map(canvas, values, width, height, least) {
    const most = values.reduce((best, value) => Math.max(best, Math.abs(value)), least || 1e-12);
    const [plus, minus] = [color("--plus"), color("--minus")];
    put(canvas, width, height, (i) => [
      ...(values[i] > 0 ? plus : minus), 255 * Math.sqrt(Math.abs(values[i]) / most),
    ]);
  }

  function element(name, attributes = {}, text = "") {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = text;
    return made;
  }

  function svg(name, attributes, text = "") {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = text;
    return made;
  }

  // Cosines of pairs below the diagonal.
  function matrix(box, cosines, names) {
    const table = element("table", { "aria-label": "Cosines of the score deltas of pairs" });
    const last = names.length - 1;
    for (let i = 1; i <= last; i++) {
      const row = table.appendChild(element("tr"));
      row.appendChild(element("th", { scope: "row", title: names[i] }, names[i]));
      for (let j = 0; j < i; j++) {
        const value = cosines[i][j];
        const strength = Math.min(1, Math.abs(value) * 1.6).toFixed(3);
        const cell = row.appendChild(element("td", { title: `${names[j]} with ${names[i]}` }));
        cell.textContent = value.toFixed(2).replace("-", "−");
        cell.style.background = `rgba(var(${value > 0 ? "--plus" : "--minus"}), ${strength})`;
      }
    }
    const foot = table.appendChild(element("tr"));
    foot.appendChild(element("td"));
    for (const name of names.slice(0, last)) {
      foot.appendChild(element("th", { scope: "col", title: name }, name));
    }
    box.replaceChildren(table);
  }

  // Bars of a cosine at each noise level, from the greatest on; ``here`` is the one looked at.
  function curve(box, levels, values, here) {
    const [width, height, left, bottom] = [420, 170, 44, 22];
    const low = Math.min(-0.05, ...values); // so that next to nothing looks like it
    const high = Math.max(0.1, ...values);
    const y = (value) => 8 + ((high - value) / (high - low)) * (height - bottom - 8);
    const step = (width - left) / levels.length;
    const greatest = levels.reduce((best, _, i) => (values[i] > values[best] ? i : best), 0);
    const chart = svg("svg", {
      viewBox: `0 0 ${width} ${height}`, role: "img",
      "aria-label": `Interaction at ${levels.length} noise levels, from ${low.toPrecision(2)} to ` +
        `${high.toPrecision(2)}; greatest at ${levels[greatest].toPrecision(2)}`,
    });
    values.forEach((value, i) => {
      const at = left + i * step;
      if (i === here) {
        chart.appendChild(svg("rect", { class: "here", x: at, y: 0, width: step, height: height - bottom }));
      }
      const [top, end] = [y(Math.max(value, 0)), y(Math.min(value, 0))];
      const bar = chart.appendChild(svg("rect", {
        class: value > 0 ? "plus" : "minus", x: at + step * 0.14, y: top,
        width: step * 0.72, height: Math.max(end - top, 0.5), rx: 1.5,
      }));
      bar.appendChild(svg("title", {}, `σ = ${levels[i].toPrecision(3)}: ${value.toPrecision(3)}`));
    });
    chart.appendChild(svg("line", { class: "axis", x1: left, x2: width, y1: y(0), y2: y(0) }));
    for (const value of [high, low]) {
      chart.appendChild(svg("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, value.toPrecision(2)));
    }
    const middle = levels.length >> 1;
    for (const i of new Set([0, middle, levels.length - 1])) {
      chart.appendChild(svg("text", { x: left + (i + 0.5) * step, y: height - 5, "text-anchor": "middle" },
        `σ ${levels[i].toPrecision(2)}`));
    }
    box.replaceChildren(chart);
  }

  return { picture, map, matrix, curve, element };
})();
