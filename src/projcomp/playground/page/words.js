// What pairs that were composed say, in the words of `projcomp predict` (prediction/sentences.py).
"use strict";

const Words = (() => {
  // ``rows`` are ``{first, second, success, ceiling}``; ``composes`` the success that counts as such.
  function partners(rows, composes) {
    const sorted = rows.slice().sort((a, b) => b.success - a.success);
    const good = sorted.filter((row) => row.success >= composes);
    const parts = [];
    let left = good;
    while (left.length) {
      const named = [...new Set(left.flatMap(({ first, second }) => [first, second]))];
      const number = (name) => left.filter((r) => r.first === name || r.second === name).length;
      const most = named.reduce((best, name) => (number(name) > number(best) ? name : best));
      const mine = left.filter((row) => row.first === most || row.second === most);
      const others = mine.map(
        (row) => `${row.first === most ? row.second : row.first} (${row.success.toFixed(2)})`
      );
      parts.push(`${most} composes with ${others.join(", ")}`);
      left = left.filter((row) => !mine.includes(row));
    }
    const names = [...new Set([...rows.map((r) => r.first), ...rows.map((r) => r.second)])];
    const alone = names.filter((name) => !good.some((r) => r.first === name || r.second === name));
    if (alone.length) parts.push(`${alone.join(", ")} with none`);
    const ceiling = rows.reduce((sum, row) => sum + row.ceiling, 0) / rows.length;
    return (
      `success of at least ${composes}, where independent places would give about ` +
      `${ceiling.toFixed(2)}: ${parts.join("; ")}`
    );
  }

  // Wilson's interval of a rate, 95 % (evaluation/intervals.py).
  function wilson(successes, count) {
    const z = 1.959963984540054;
    const rate = successes / count;
    const middle = (rate + (z * z) / (2 * count)) / (1 + (z * z) / count);
    const half = (z / (1 + (z * z) / count)) *
      Math.sqrt((rate * (1 - rate)) / count + (z * z) / (4 * count * count));
    return [Math.max(0, middle - half), Math.min(1, middle + half)];
  }

  return { partners, wilson };
})();

if (typeof module !== "undefined") module.exports = Words;
