// Answers questions about the page's programs: {folder, program, expression, given} on standard input,
// the value of the expression on standard output, as JSON.
const path = require("path");
const asked = JSON.parse(require("fs").readFileSync(0, "utf8"));
for (const name of ["engine", "reader", "pool", "words", "state"]) {
  global[name[0].toUpperCase() + name.slice(1)] = require(path.join(asked.folder, `${name}.js`));
}
global.given = asked.given;
const plain = (key, value) => (ArrayBuffer.isView(value) ? Array.from(value) : value);
Promise.resolve(eval(asked.expression)).then((value) => console.log(JSON.stringify(value, plain)));
