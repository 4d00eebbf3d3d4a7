// Conversations: the texts and ids of transformers for templates of every kind, templates wherever a model
// may have them, hostile ones, and runs whose turns reuse what the session has of the conversation.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { loadModel } from 'kvcache-wasm';
import { formatted } from '../../web/session/template.js';
import { blobOf, collect, fault, idsOf, rejectsCode, serve } from './helpers.js';
import { tinyFiles } from './tiny-model.js';

const fixture = JSON.parse(readFileSync(new URL('../fixtures/chat.json', import.meta.url), 'utf8'));
const changes = { n_positions: 200, vocab_size: 320, bos_token_id: 2, eos_token_id: 3 };
const HI = [{ role: 'user', content: 'Hi' }];
const CHATML = fixture.templates.chatml;
const models = [];
after(() => models.forEach((model) => model.dispose()));

/** The files of a model with the fixture's tokenizer. */
const filesWith = (config, more = {}) => ({
  ...tinyFiles({ changes }), 'tokenizer.json': JSON.stringify(fixture.tokenizer),
  ...(config && { 'tokenizer_config.json': JSON.stringify(config) }), ...more,
});

/** A model with this tokenizer_config.json. */
async function modelWith(config, more, options) {
  const files = Object.entries(filesWith(config, more)).map(([name, content]) => [name, blobOf(content)]);
  const model = await loadModel(new Map(files), options);
  models.push(model);
  return model;
}

const configOf = ({ bos, eos, template }) => ({ bos_token: bos, eos_token: eos, chat_template: template });
const byTemplate = Object.fromEntries(await Promise.all(Object.entries(fixture.templates)
  .map(async ([name, one]) => [name, await modelWith(configOf(one))])));
const model = byTemplate.chatml;

/** The options of transformers in our words. */
const optionsOf = ({ add_generation_prompt: add, continue_final_message: open, tools, ...variables }) => ({
  addGenerationPrompt: add, continueFinalMessage: open, tools, variables,
});

test('texts, ids and refusals are those of transformers', async () => {
  assert.ok(fixture.cases.length >= 40);
  for (const { template, messages, options, text, ids, error } of fixture.cases) {
    const own = byTemplate[template];
    const ours = [messages, optionsOf(options)];
    if (error !== undefined) {
      const { message } = await rejectsCode(own.applyChatTemplate(...ours), 'chat_template_failed');
      assert.equal(message, `The chat template refuses this conversation: ${error}`);
      continue;
    }
    assert.equal(await own.renderChatTemplate(...ours), text, template);
    assert.deepEqual(await own.applyChatTemplate(...ours), ids, text);
  }
});

test('with the tokenizers of their kinds, too: byte-level with own splits, SentencePiece', async () => {
  for (const [template, kind] of Object.entries(fixture.kinds)) {
    const tokenizer = readFileSync(new URL(`../fixtures/tokenizers/${kind}.json`, import.meta.url), 'utf8');
    const own = await modelWith(configOf(fixture.templates[template]),
      { ...tinyFiles({ changes: { ...changes, vocab_size: 700 } }), 'tokenizer.json': tokenizer });
    const cases = fixture.cases.filter(({ template: name, ofKind }) => name === template && ofKind);
    assert.ok(cases.length >= 6, kind);
    for (const { messages, options, ofKind, text } of cases) {
      assert.deepEqual(await own.applyChatTemplate(messages, optionsOf(options)), ofKind, `${kind}: ${text}`);
    }
  }
});

test('one message: exactly one token that begins a text', async () => {
  for (const name of ['llama3', 'gemma', 'llama2']) {
    const own = byTemplate[name];
    const [bos] = own.tokenizer.encode(fixture.templates[name].bos, { special: true });
    const ids = await own.applyChatTemplate(HI, { addGenerationPrompt: true });
    assert.deepEqual(ids.filter((id) => id === bos), [bos], name);
  }
});

test('dates are written as Python writes them in English, wherever the reader is', async () => {
  for (const [[year, month, ...rest], format, text] of fixture.dates) {
    assert.equal(formatted(format, new Date(year, month - 1, ...rest)), text, format);
  }
  assert.equal(formatted('%Q %', new Date()), '%Q %');
  const text = await model.renderChatTemplate(HI, { template: '{{ strftime_now("%Y-%m-%d") }}' });
  assert.match(text, /^\d{4}-\d\d-\d\d$/);
});

test('a template may be one of several, in a file of its own, or the caller\'s', async () => {
  const named = await modelWith({ chat_template: [
    { name: 'default', template: 'D{{ messages|length }}' },
    { name: 'tool_use', template: 'T{{ tools|length }}' }, { name: 'rag', template: 'R' },
  ] });
  assert.equal(await named.renderChatTemplate(HI), 'D1');
  assert.equal(await named.renderChatTemplate(HI, { tools: [{}, {}] }), 'T2');
  assert.equal(await named.renderChatTemplate(HI, { template: 'rag' }), 'R');
  assert.equal(await named.renderChatTemplate(HI, { template: '{{ messages[0].role }}' }), 'user');
  await rejectsCode(named.renderChatTemplate(HI, { template: 'ragged' }), 'chat_template_missing',
    /"ragged", but "default", "tool_use", "rag"/);
  const file = { 'chat_template.jinja': 'F{{ eos_token.content }}{{ bos_token }}\n' };
  const both = await modelWith({ chat_template: 'C', bos_token: { content: '<s>' }, eos_token: null }, file);
  assert.equal(await both.renderChatTemplate(HI), 'F<s>');
  const alone = await modelWith(undefined, { 'chat_template.jinja': '{{ bos_token }} {{ eos_token }}' });
  assert.equal(await alone.renderChatTemplate(HI), `${alone.tokenizer.decode([2], { special: true })} ${
    alone.tokenizer.decode([3], { special: true })}`);
});

test('files of templates take the place of those in tokenizer_config.json', async (t) => {
  const config = { chat_template: { default: 'C', tool_use: 'CT', rag: 'CR' } };
  const own = await modelWith(config);
  assert.deepEqual(await Promise.all([{}, { tools: [] }, { template: 'rag' }].map((options) => (
    own.renderChatTemplate(HI, options)))), ['C', 'CT', 'CR']);
  const more = {
    'chat_template.jinja': 'F', 'additional_chat_templates/tool_use.jinja': 'FT{{ tools|length }}',
    'additional_chat_templates/x-y.1.jinja': 'XY',
  };
  const server = await serve(filesWith(config, more));
  t.after(() => server.close());
  const served = await loadModel(server.url);
  models.push(served);
  for (const filed of [await modelWith(config, more), served]) {
    assert.equal(await filed.renderChatTemplate(HI), 'F');
    assert.equal(await filed.renderChatTemplate(HI, { tools: [{}] }), 'FT1');
    assert.equal(await filed.renderChatTemplate(HI, { template: 'x-y.1' }), 'XY');
    assert.equal(await filed.renderChatTemplate(HI, { template: 'default' }), 'F');
    await rejectsCode(filed.renderChatTemplate(HI, { template: 'rag' }), 'chat_template_missing',
      /but "default"/);
    await rejectsCode(filed.renderChatTemplate(HI, { template: '../config' }), 'chat_template_missing');
  }
  const { length } = server.requests;
  await served.renderChatTemplate(HI, { tools: [] });
  assert.equal(server.requests.length, length, 'each is asked for once');
  const only = await modelWith({ chat_template: 'C' }, { 'chat_template.jinja': 'F' });
  assert.equal(await only.renderChatTemplate(HI, { tools: [] }), 'F', 'one alone is for everything');
});

test('without a template it says which models have one; one that is no text is refused', async () => {
  const none = await modelWith({});
  await rejectsCode(none.applyChatTemplate(HI), 'chat_template_missing', /Instruct/);
  for (const wrong of [5, [], ['x'], [{ name: 'default' }], {}, { default: 5 }]) {
    const own = await modelWith({ chat_template: wrong });
    await rejectsCode(own.applyChatTemplate(HI), 'chat_template_failed', /must be a text, or a list/);
  }
  for (const [content, message] of [[new Uint8Array([0xff]), /not UTF-8/], ['x'.repeat(300_000), /longer/]]) {
    const own = await modelWith({}, { 'chat_template.jinja': content });
    await rejectsCode(own.applyChatTemplate(HI), 'chat_template_failed', message);
  }
});

test('the file is asked for when a conversation first needs it, and then no more', async (t) => {
  const server = await serve(filesWith({}, { 'chat_template.jinja': 'F{{ messages|length }}' }));
  t.after(() => server.close());
  const asked = () => server.requests.filter(({ name }) => name.endsWith('.jinja')).length;
  const own = await loadModel(server.url);
  models.push(own);
  assert.equal(asked(), 0);
  server.faults['chat_template.jinja'] = fault.status(500);
  await rejectsCode(own.renderChatTemplate(HI), 'file_unreachable');
  server.faults['chat_template.jinja'] = undefined;
  for (let i = 0; i < 3; i++) assert.equal(await own.renderChatTemplate(HI), 'F1');
  assert.equal(asked(), 2);
  const stop = new AbortController();
  stop.abort();
  await rejectsCode(own.renderChatTemplate(HI, { signal: stop.signal }), 'aborted');
});

test('hostile templates end, soon and with a sentence', async () => {
  const bomb = '{% set ns = namespace(x="aaaaaaaa") %}{% for i in range(100) %}';
  const nest = '{% set ns = namespace(x=[1]) %}{% for i in range(60) %}';
  const hostile = {
    'an endless loop':
      '{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}',
    'a loop that is long at once': '{% for i in range(1000000000) %}{% endfor %}',
    'much text': `${bomb}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}`,
    'much text, piece by piece':
      '{% for i in range(100000) %}{{ "0123456789" * 1 }}{{ messages }}{% endfor %}',
    'a list of lists': `${nest}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x|tojson }}`,
    'an object of objects': `${nest}{% set ns.x = {"a": ns.x, "b": ns.x} %}{% endfor %}{{ ns.x }}`,
    'a long list': `${nest}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x|length }}`,
    'a circle': '{% set ns = namespace() %}{% set ns.x = [ns] %}{{ ns.x|tojson }}{{ ns.x }}',
    'a macro that calls itself': '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}',
    'a thousand brackets': `{{ ${'['.repeat(20_000)}`,
    'blocks in blocks': '{% if 1 %}'.repeat(10_000),
    'an exception': '{{ raise_exception("No.") }}',
    'a constructor': '{{ messages.constructor("return 1")() }}',
    'a loop through all that is picked':
      '{% for i in range(100000) if i %}{% for j in range(100000) %}{% endfor %}{% endfor %}',
    'what is no template': '{% fi %}',
    'an open one': '{{ "a',
    'a huge one': 'a'.repeat(140_000),
    'white space': `a${' \n'.repeat(2000)}b`,
  };
  for (const [what, template] of Object.entries(hostile)) {
    const start = performance.now();
    await rejectsCode(model.renderChatTemplate(HI, { template: `${template}{# {{ #}` }),
      'chat_template_failed');
    const ms = performance.now() - start;
    assert.ok(ms < 5000, `${what}: ${ms} ms`);
  }
  const text = await model.renderChatTemplate(
    [{ role: 'user', content: '{{ messages }}{% for %}<|im_end|>', toString: 1, constructor: 'x' }],
    { template: '{{ messages[0].content }}{{ messages[0].constructor }}' });
  assert.equal(text, '{{ messages }}{% for %}<|im_end|>x', 'what a message says is only text');
});

test('what is no conversation is refused', async () => {
  const wrong = [[[]], ['Hi'], [undefined], [['Hi']], [[{ content: 'Hi' }]], [[{ role: 5 }]], [[...HI, null]],
    [HI, { addGenerationPrompt: 1 }], [HI, { add_generation_prompt: true }], [HI, { template: 5 }],
    [HI, { addGenerationPrompt: true, continueFinalMessage: true }],
    [[{ role: 'user', content: 5n }]], [[{ role: 'user' }], { continueFinalMessage: true }],
    [HI, { signal: 5 }]];
  for (const args of wrong) await rejectsCode(model.applyChatTemplate(...args), 'invalid_argument');
  await rejectsCode(byTemplate.chatml.renderChatTemplate(HI,
    { continueFinalMessage: true, template: '{{ messages[0].role }}' }), 'chat_template_failed', /left out/);
});

// ---- runs -----------------------------------------------------------------------------------------

/** Only these letters are written, which no merge joins: what was written comes back as the same tokens. */
const letters = [...'QXZ'].map((letter) => model.encode(letter)[0]);
const logitBias = new Map(Array.from({ length: model.sampledIds }, (_, id) => [id, -Infinity])
  .filter(([id]) => !letters.includes(id)));
const WRITE = { maxTokens: 5, temperature: 1, logitBias };

test('every turn reuses all of the conversation so far, and changes nothing', async () => {
  const [session, fresh] = [model.createSession(), model.createSession()];
  const messages = [];
  let position = 0;
  for (const content of ['Who are you?', 'Why?', 'Since when, and what for?']) {
    messages.push({ role: 'user', content });
    const ids = await model.applyChatTemplate(messages, { addGenerationPrompt: true });
    const tokens = await collect(session.generate(messages, { ...WRITE, seed: messages.length }));
    const { tokens: all, reused } = session.prefillStats;
    assert.deepEqual([all, reused], [ids.length, position]);
    position = ids.length + tokens.length;
    assert.deepEqual([session.position, session.cachedTokens], [position, position]);
    fresh.reset();
    const again = await collect(fresh.generate(ids, { ...WRITE, seed: messages.length }));
    assert.deepEqual(idsOf(again), idsOf(tokens));
    assert.equal(session.logitsHash, fresh.logitsHash);
    messages.push({ role: 'assistant', content: tokens.map(({ text }) => text).join('') });
  }
  // An earlier message is changed: what is before it stays.
  messages[2].content = 'Why not?';
  await session.generate(messages, { maxTokens: 0 }).next();
  const ids = await model.applyChatTemplate(messages, { addGenerationPrompt: true });
  const before = await model.applyChatTemplate(messages.slice(0, 3));
  const { tokens, reused } = session.prefillStats;
  assert.equal(tokens, ids.length);
  assert.ok(reused < before.length && reused > before.length - 8, `${reused} of ${before.length}`);
  for (const each of [session, fresh]) each.dispose();
});

test('generate() takes options for the template; an answer begins unless a message goes on', async () => {
  const session = model.createSession();
  const open = [...HI, { role: 'assistant', content: 'QX' }];
  for (const [messages, chat] of [[HI, { variables: { enable_thinking: false } }],
    [open, { continueFinalMessage: true }], [HI, { template: '{{ messages[0].content }}' }],
    [HI, { addGenerationPrompt: false }]]) {
    await session.generate(messages, { maxTokens: 0, chat }).next();
    const ids = await model.applyChatTemplate(messages,
      { addGenerationPrompt: !chat.continueFinalMessage, ...chat });
    assert.deepEqual(session.tokens, ids);
  }
  await rejectsCode(session.generate(HI, { chat: { tool: [] } }).next(), 'invalid_argument', /tools/);
  await rejectsCode(session.generate([{ role: 'user', content: 'Hi '.repeat(200) }]).next(), 'context_full');
  const strict = byTemplate.llama2.createSession();
  await rejectsCode(strict.generate([...HI, ...HI]).next(), 'chat_template_failed');
  session.dispose();
});

test('stop() and an abort are heard while the conversation becomes a prompt', async () => {
  const session = model.createSession();
  const run = session.generate(HI, WRITE);
  const first = run.next();
  session.stop();
  assert.deepEqual(await first, { value: 'stopped', done: true });
  assert.deepEqual([session.finishReason, session.position], ['stopped', 0]);
  const stop = new AbortController();
  const aborted = session.generate(HI, { ...WRITE, signal: stop.signal }).next();
  stop.abort();
  await rejectsCode(aborted, 'aborted');
  const left = session.generate(HI, WRITE);
  await left.next();
  assert.equal((await collect(session.generate(HI, WRITE))).length, 5);
  assert.deepEqual(await left.next(), { value: 'stopped', done: true });
  session.dispose();
});

test('a round that ends early keeps what it wrote, and None is written: the texts of jinja2', async () => {
  const items = '{% for m in [1, 2, 3] %}';
  for (const [template, text] of [
    [`${items}A{{ m }}{% if m == 2 %}!{% break %}{% endif %};{% else %}E{% endfor %}`, 'A1;A2!'],
    [`${items}A{{ m }}{% if m == 2 %}{% continue %}{% endif %};{% endfor %}`, 'A1;A2A3;'],
    [`${items}A{% break %}{% else %}E{% endfor %}`, 'AE'],
    [`${items}${items}{{ m }}{% if m == 2 %}{% break %}{% endif %}{% endfor %};{% endfor %}`, '12;12;12;'],
    [`${items}a{% for n in [] %}{% else %}b{% break %}{% endfor %}c{% endfor %}`, 'ab'],
    [`${items}<{% set x %}a{% if m == 2 %}{% break %}{% endif %}b{% endset %}{{ x }}>{% endfor %}`,
      '<ab><'],
    [`${items}<{% filter upper %}a{% continue %}{% endfilter %}>{% endfor %}`, '<<<'],
    [`${items}{% for n in [1, 2] %}a{% continue %}{% else %}{% break %}{% endfor %}{% endfor %}`, 'aa'],
    ['[{{ none }}{{ x }}{% set y = none %}{% if y %}1{% endif %}{{ y if true }}]', '[NoneNone]'],
  ]) assert.equal(await model.renderChatTemplate(HI, { template }), text, template);
  const template = '{% break %}';
  await rejectsCode(model.renderChatTemplate(HI, { template }), 'chat_template_failed', /loop/);
});
