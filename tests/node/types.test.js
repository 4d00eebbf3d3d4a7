// The types that the package ships, as their users compile against them: every name can be imported, `using`
// works, events tell themselves apart, and nothing is asked of the compiler's settings.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cp, mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import ts from 'typescript-5.6';

const ROOT = new URL('../../', import.meta.url);
const FOLDER = new URL('build/types/', ROOT); // a project that has installed the package
const VERSIONS = ['typescript', 'typescript-5.6'];

const CONSUMER = `
import { CachedAttention, ERROR_CODES, KVCache, KvcError, analyzeMemory, analyzeSpeedup,
  benchmarkComparison, disableKVCache, enableKVCache, init, keptModels, loadModel, modelFiles,
  removeKept } from 'kvcache-wasm';
import type { CacheEvent, CachedAttentionOptions, ChatOptions, Dropped, ErrorCode, FinishReason,
  GenerateOptions, KVCacheOptions, KeptModel, NotKept,
  LoadOptions, Message, Model, ProgressEvent, Prompt, Session, SessionOptions, Token, Variant,
  WasmSource } from 'kvcache-wasm';
import { GPT } from 'kvcache-wasm/examples/js-gpt.js';
import { stories } from 'kvcache-wasm/models/stories';

const load: LoadOptions = { weights: 'int8', onProgress: (event: ProgressEvent) => void event.status };
export async function tidy(event: ProgressEvent): Promise<NotKept | undefined> {
  const kept: KeptModel[] = await keptModels();
  for (const { address, date } of kept) if (date.getTime() === 0) void (await removeKept(address)).toFixed();
  return event.reason;
}

const options: SessionOptions = { capacity: 20, keyType: 'f16' };
const model: Model = await loadModel(stories, load);

export async function write(prompt: string, how: GenerateOptions): Promise<FinishReason | null> {
  using session: Session = model.createSession(options);
  session.onEvent = (event: CacheEvent) => {
    if (event.type === 'write') return void (event.page + event.first);
    if (event.type === 'share') return void (event.from + event.more);
    // @ts-expect-error: only what all events have in common is left
    event.page;
  };
  const tokens: Token[] = [];
  for await (const token of session.generate(prompt, how)) tokens.push(token);
  const ids: number[] = session.tokens;
  const state: Uint8Array = session.save();
  session.restore(state);
  session.stop();
  // @ts-expect-error: no such option
  session.generate(ids, { max_tokens: 3 });
  // @ts-expect-error: no such kind of weights
  await loadModel('model', { weights: 'f64' });
  return session.finishReason;
}

export async function chat(session: Session): Promise<number[]> {
  const messages: Message[] = [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'Hi' }];
  const how: ChatOptions = { variables: { enable_thinking: false }, tools: [{ type: 'function' }] };
  const prompt: Prompt = messages;
  for await (const { text } of session.generate(prompt, { chat: how })) void text.length;
  const text: string = await model.renderChatTemplate(messages, how);
  // @ts-expect-error: a message has a role
  await model.applyChatTemplate([{ content: text }]);
  return model.applyChatTemplate(messages, { addGenerationPrompt: true });
}

export async function choose(dropped: Dropped): Promise<Model> {
  const files = await modelFiles(dropped);
  return files.has('config.json') ? loadModel(files) : loadModel(dropped);
}

export function codeOf(error: unknown): ErrorCode | undefined {
  return error instanceof KvcError && error.code in ERROR_CODES ? error.code : undefined;
}

const wasm: WasmSource = new Uint8Array(8);
const { variant }: { variant: Variant } = await init({ wasm });
const sizes: KVCacheOptions = { maxSeqLen: 8, numLayers: 1, numHeads: 2, headDim: 4 };
using cache = new KVCache(sizes);
const keys: Float32Array = cache.get(0, { row: 0 }).key;
const attention: CachedAttentionOptions = { embedDim: 8, numHeads: 2, maxSeqLen: 8 };
using layer = new CachedAttention(attention, { wq: keys, wk: keys, wv: keys, wo: keys });
const gpt = new GPT({ vocabSize: 10, embedDim: 8, numLayers: 1, numHeads: 2, maxSeqLen: 6 });
const view: KVCache = enableKVCache(gpt, { whenFull: 'stop' });
disableKVCache(gpt);
export const numbers: number[] = [
  layer.position, view.position, analyzeMemory({ types: ['f16'] })[0].cacheBytes,
  analyzeSpeedup({ shape: model.config })[0].pairsOn,
  (await benchmarkComparison(model, { runs: 1 }))[0].cached,
];
export { variant };
`;

before(async () => {
  await rm(FOLDER, { recursive: true, force: true });
  const installed = new URL('node_modules/kvcache-wasm/', FOLDER);
  await mkdir(installed, { recursive: true });
  await cp(new URL('package.json', ROOT), new URL('package.json', installed));
  await symlink(fileURLToPath(new URL('dist', ROOT)), new URL('dist', installed));
  await symlink(fileURLToPath(new URL('node_modules/@types', ROOT)), new URL('node_modules/@types', FOLDER));
  await symlink(fileURLToPath(new URL('node_modules/undici-types', ROOT)),
    new URL('node_modules/undici-types', FOLDER));
  await writeFile(new URL('package.json', FOLDER), '{ "type": "module" }');
  await writeFile(new URL('consumer.ts', FOLDER), CONSUMER);
});

/** What a compiler says about the consumer. */
async function errorsOf(version, name, changes, file = 'consumer.ts') {
  const options = {
    target: 'es2022', lib: ['es2022', 'esnext.disposable'], types: [], strict: true, noEmit: true,
    skipLibCheck: false, exactOptionalPropertyTypes: true, ...changes,
  };
  const path = new URL(`${version}-${name}.json`, FOLDER);
  await writeFile(path, JSON.stringify({ compilerOptions: options, files: [file] }));
  if (version === 'typescript-5.6') return saidByOld(fileURLToPath(path));
  const compiler = fileURLToPath(new URL(`node_modules/${version}/bin/tsc`, ROOT));
  const { stdout, status } = spawnSync(process.execPath,
    [compiler, '-p', fileURLToPath(path), '--pretty', 'false'], { encoding: 'utf8' });
  assert.equal(status === 0, stdout === '', `${status}: ${stdout}`);
  return stdout;
}

/** What the old compiler has made of the consumer. @type {ts.Program} */
let consumer;

/** What `tsc -p` says, in this process, of all files but those of the compiler and of Node. */
function saidByOld(path) {
  const { config } = ts.readConfigFile(path, ts.sys.readFile);
  const { options, fileNames, errors } = ts.parseJsonConfigFileContent(config, ts.sys,
    fileURLToPath(FOLDER));
  const host = ts.createCompilerHost(options);
  const program = ts.createProgram({ rootNames: fileNames, options, host });
  if (path.endsWith('bundler.json')) consumer = program;
  const files = program.getSourceFiles()
    .filter(({ fileName }) => !/typescript-5.6|@types|undici/.test(fileName));
  assert.ok(files.length > 5);
  const said = [...errors, ...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics(),
    ...files.flatMap((file) => ts.getPreEmitDiagnostics(program, file))];
  return ts.formatDiagnostics(said, { ...host, getCanonicalFileName: (name) => name });
}

const SETTINGS = {
  node16: { module: 'node16' },
  nodenext: { module: 'nodenext' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
  dom: { module: 'esnext', moduleResolution: 'bundler', lib: ['es2022', 'dom', 'esnext.disposable'] },
  node: { module: 'nodenext', types: ['node'] },
};

for (const version of VERSIONS) {
  for (const [name, settings] of Object.entries(SETTINGS)) {
    test(`${version}, ${name}: compiles`, async () => {
      assert.equal(await errorsOf(version, name, settings), '');
    });
  }
}

/** A page that uses the tag. */
const PAGE = `
import 'kvcache-wasm/element';
import { KvCacheDemo } from 'kvcache-wasm/element-class';
import { EngineClient } from 'kvcache-wasm/client';
import widget from 'kvcache-wasm/widget';

const tag: KvCacheDemo = document.createElement('kv-cache-demo');
Object.assign(tag, { cache: 'race' });
tag.cache = 'off';
tag.maxTokens = null;
// @ts-expect-error: no such place of the switch
tag.cache = 'maybe';
tag.addEventListener('kv-done', ({ detail }) => console.log(1000 * detail.measured / detail.decodeMs));
document.addEventListener('kv-error', ({ detail: { code, message } }) => console.log(code + message));
// @ts-expect-error: no such detail
tag.addEventListener('kv-progress', ({ detail }) => detail.percent);
export const written: string = (await tag.start({ seed: 7, views: 'story' })).text;
export const state: string = tag.state + KvCacheDemo.version;
await tag.stop();
await tag.reset();
const client = new EngineClient();
await client.request('load', { url: 'model/', weights: 'f32', capacity: 1024 });
const messages = [{ role: 'user', content: 'Hi' }];
const chat = { prompt: messages, sampling: { stop: ['x'], logprobs: 2 }, proof: false };
const { reason, finishedBy } = await client.request('generate', chat, (event) => {
  if (event.type === 'prefilled') console.log(event.reused);
});
export const end: string = reason + (finishedBy ?? '');
widget.render({ model: new Map<string, unknown>(), el: document.body });
`;

for (const version of VERSIONS) {
  test(`${version}: a page that uses the tag compiles`, async () => {
    await writeFile(new URL('page.ts', FOLDER), PAGE);
    const lib = [...SETTINGS.dom.lib, 'dom.iterable'];
    assert.equal(await errorsOf(version, 'page', { ...SETTINGS.dom, lib }, 'page.ts'), '');
  });
}

/** The types that those of the package name and nobody can import, but for the platform's. */
function unnamed() {
  const checker = consumer.getTypeChecker();
  const index = consumer.getSourceFiles().find(({ fileName }) => fileName.endsWith('/dist/types/index.d.ts'));
  const { Alias, TypeParameter } = ts.SymbolFlags;
  const resolved = (symbol) => (symbol.flags & Alias ? checker.getAliasedSymbol(symbol) : symbol);
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(index));
  const names = new Set(exported.map(({ name }) => name));
  const found = new Set();
  const seen = new Set();
  const visit = (node) => {
    if (ts.isConstructorDeclaration(node)) return; // of most classes, they are not for users
    if (ts.isTypeReferenceNode(node)) follow(resolved(checker.getSymbolAtLocation(node.typeName)));
    ts.forEachChild(node, visit);
  };
  const follow = ({ name, flags, declarations = [] }) => {
    for (const declaration of declarations) {
      const { fileName } = declaration.getSourceFile();
      const isOwn = fileName.includes('/dist/types/') && !fileName.endsWith('/platform.d.ts');
      if (!isOwn || flags & TypeParameter || seen.has(declaration)) continue;
      seen.add(declaration);
      if (!names.has(name)) found.add(name);
      visit(declaration);
    }
  };
  for (const symbol of exported) follow(resolved(symbol));
  return { names, found, seen };
}

test('every type that the manual or another type names is exported', () => {
  const { names, found, seen } = unnamed();
  for (const name of ['Model', 'Session', 'Token', 'GenerateOptions', 'LoadOptions', 'SessionOptions',
    'ErrorCode', 'ProgressEvent', 'CacheEvent', 'FinishReason', 'KVCacheOptions']) {
    assert.ok(names.has(name), name);
  }
  assert.ok(seen.size > 100);
  assert.deepEqual([...found], []);
});

test('no declaration has a typed array with a parameter, which TypeScript 5.6 does not know', async () => {
  const folder = new URL('dist/types/', ROOT);
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.d.ts'));
  assert.ok(files.length > 40);
  for (const file of files) {
    const text = (await readFile(new URL(file, folder), 'utf8')).replace(/\/\*\*.*?\*\//gs, '');
    assert.doesNotMatch(text, /\d+Array<Array/, file);
  }
});
