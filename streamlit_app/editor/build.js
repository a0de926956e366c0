// Bundles src/ into ../static/editor.js. The first line of the bundle names the sources that it was made from;
// tests/test_site_editor.py fails when they have changed since.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";

const files = ["package.json", ...readdirSync("src").sort().map((name) => `src/${name}`)];
const hash = createHash("sha256");
for (const file of files) hash.update(readFileSync(file));

await build({
  entryPoints: ["src/editor.js"],
  outfile: "../static/editor.js",
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2020",
  legalComments: "eof",
  banner: { js: `/* sources ${hash.digest("hex")} */` },
});
