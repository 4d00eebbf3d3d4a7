// Speed with the cache and without, measured on this machine, as a table and as a plot. The two take turns,
// and a difference in one bit of their logits is an error instead of a figure.
//
//   node benchmark.js [FILE.svg] [LENGTHS, as 10,50,200] [BATCH SIZE] [RUNS]
import { writeFile } from 'node:fs/promises';
import { benchmarkComparison, loadModel } from 'kvcache-wasm';
import { stories } from 'kvcache-wasm/models/stories';

/** @import { ComparisonRow } from 'kvcache-wasm' */

const [file = 'cache-speed.svg', lengths = '10,25,50,100,200,500', batch = '1', runs = '5'] = (
  process.argv.slice(2));

// ---- the plot -----------------------------------------------------------------------------------

const [LEFT, RIGHT, TOP, BOTTOM] = [70, 530, 40, 350]; // where the curves are, in 640 x 400

/**
 * Places numbers between two ends by their logarithms.
 * @param {number} least  @param {number} most  @param {number} from  @param {number} to
 */
const logScale = (least, most, from, to) => (/** @type {number} */ value) => (
  from + (to - from) * (most > least ? Math.log(value / least) / Math.log(most / least) : 0.5)).toFixed(1);

/**
 * Both speeds by the length of the context; a bar goes from the least to the greatest.
 * @param {readonly ComparisonRow[]} rows
 */
function plot(rows) {
  const tokens = rows.map((row) => row.tokens);
  const least = Math.floor(Math.log10(Math.min(...rows.map((row) => row.uncachedMin))));
  const most = Math.ceil(Math.log10(Math.max(...rows.map((row) => row.cachedMax))));
  const powers = Array.from({ length: most - least + 1 }, (_, i) => 10 ** (least + i));
  const x = logScale(Math.min(...tokens), Math.max(...tokens), LEFT, RIGHT);
  const y = logScale(powers[0], powers[powers.length - 1], BOTTOM, TOP);

  /** @param {'cached' | 'uncached'} name  @param {string} colour  @param {string} words */
  const curve = (name, colour, words) => {
    const points = rows.map((row) => `${x(row.tokens)},${y(row[name])}`).join(' ');
    const bars = rows.map((row) => (
      `M${x(row.tokens)} ${y(row[`${name}Min`])}V${y(row[`${name}Max`])}`)).join('');
    return `<path d="${bars}" stroke="${colour}" stroke-width="2"/>
<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="2"/>
<text x="${RIGHT + 8}" y="${y(rows[rows.length - 1][name])}" fill="${colour}">${words}</text>`;
  };
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 400" font-family="sans-serif"
  font-size="13">
<title>Tokens per second with the KV cache and without</title>
<rect width="640" height="400" fill="#fff"/>
<text x="${LEFT}" y="20">Tokens per second: medians of ${rows[0].runs} runs, and how far they went</text>
${powers.map((rate) => `<path d="M${LEFT} ${y(rate)}H${RIGHT}" stroke="#ddd"/>
<text x="${LEFT - 8}" y="${y(rate)}" text-anchor="end" dominant-baseline="middle">${rate}</text>`).join('\n')}
${tokens.map((n) => `<text x="${x(n)}" y="${BOTTOM + 20}" text-anchor="middle">${n}</text>`).join('\n')}
<text x="${(LEFT + RIGHT) / 2}" y="${BOTTOM + 42}" text-anchor="middle">tokens of context</text>
${curve('cached', '#0072b2', 'cache on')}
${curve('uncached', '#d55e00', 'cache off')}
</svg>
`;
}

// ---- the measurement ----------------------------------------------------------------------------

const model = await loadModel(stories);
const rows = await benchmarkComparison(model, {
  seqLengths: lengths.split(',').map(Number), batchSize: Number(batch), runs: Number(runs),
});
for (const { tokens, prefill, cached, uncached, speedUp } of rows) {
  const [on, off, read] = [cached, uncached, prefill].map((rate) => rate.toFixed(1));
  console.log(`${tokens} tokens: prefill ${read}/s; decode ${on}/s with the cache, ${off}/s without: `
    + `${speedUp.toFixed(1)} times as fast`);
}
await writeFile(file, plot(rows));
console.log(`${file}: both curves`);
model.dispose();
