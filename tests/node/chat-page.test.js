// The conversation of the example that chats, with a real engine: what is said and counted, what becomes of
// turns that fail or are stopped, and of models that cannot be loaded.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { Conversation, addressOf } from '../../web/examples/chat/conversation.js';
import { DeskClient } from './desk-client.js';
import { blobOf, byteTokenizer } from './helpers.js';
import { tinyFiles } from './tiny-model.js';

const TEMPLATE = `{% for m in messages %}{{ m.role ~ ':' ~ m.content ~ ';' }}{% endfor %}
{%- if add_generation_prompt %}assistant:{% endif %}`;
const letters = new Set([...'abcdefgh'].map((letter) => letter.charCodeAt(0)));
const others = Array.from({ length: 300 }, (_, id) => id).filter((id) => !letters.has(id));
const generation = { do_sample: true, suppress_tokens: others };

/** A model's files, as a load takes them. */
async function filesWith(more) {
  const all = { ...tinyFiles({ changes: { n_positions: 200 }, generation }),
    'tokenizer.json': JSON.stringify(byteTokenizer()), ...more };
  const bytes = Object.entries(all).map(async ([name, file]) => [name, await blobOf(file).arrayBuffer()]);
  return Object.fromEntries(await Promise.all(bytes));
}

const files = await filesWith({ 'chat_template.jinja': TEMPLATE });

async function loaded(t) {
  const client = new DeskClient();
  t.after(() => client.dispose());
  const told = [];
  const conversation = new Conversation(client, (more) => told.push([conversation.phase, more]));
  const progress = [];
  await conversation.load({ files }, (now) => progress.push(now));
  return { client, conversation, told, progress };
}

test('turns: what was said, what it has cost, and what the next prompt takes', async (t) => {
  const { conversation, told, progress } = await loaded(t);
  const { byteLength } = files['model.safetensors'];
  assert.deepEqual(progress[0], { loaded: 0, total: 0 });
  const last = progress.at(-1);
  assert.ok(last.total <= byteLength && last.total > 0.9 * byteLength && last.loaded >= byteLength);
  assert.deepEqual([told[0][0], told.at(-1)[0]], ['loading', 'ready']);
  await conversation.say('hi', { system: 'be brief', maxTokens: 7, seed: 1 });
  await conversation.say('so', { system: 'of the first turn alone', maxTokens: 3 });
  const roles = conversation.turns.map(({ role }) => role);
  assert.deepEqual(roles, ['system', 'user', 'assistant', 'user', 'assistant']);
  const [, , first, , second] = conversation.turns;
  assert.match(first.content, /^[a-h]{7}$/);
  assert.equal(told.map(([, more]) => more ?? '').join(''), first.content + second.content);
  const size = 'system:be brief;user:hi;assistant:'.length;
  assert.deepEqual([first.figures.prefill.tokens, first.figures.prefill.reused], [size, 0]);
  assert.deepEqual([first.figures.tokens, first.figures.reason], [7, 'length']);
  assert.equal(second.figures.prefill.reused, size + 7);
  const { tokens, room } = await conversation.count('x');
  assert.deepEqual([tokens, room],
    [second.figures.prefill.tokens + 3 + ';user:x;assistant:'.length, 200]);
  conversation.clear();
  assert.equal((await conversation.count('x', 'y')).tokens, 'system:y;user:x;assistant:'.length);
});

test('where there is no answer, nothing was said', async (t) => {
  const { conversation, client } = await loaded(t);
  await conversation.say('hi', { maxTokens: 2 });
  const before = conversation.turns;
  await assert.rejects(conversation.say('a'.repeat(300), {}), { code: 'context_full' });
  await assert.rejects(conversation.say('a', { temperature: -1 }), { code: 'invalid_argument' });
  const stopped = conversation.say('b'.repeat(50), {});
  conversation.stop();
  await stopped;
  assert.deepEqual([conversation.turns.length, conversation.phase], [before.length, 'ready']);
  assert.equal((await client.request('status')).loaded, true);
});

test('a load that fails leaves the model before, or none', async (t) => {
  const { conversation } = await loaded(t);
  await conversation.say('hi', { maxTokens: 2 });
  const broken = (file) => ({ files: { ...files, [file]: new ArrayBuffer(2) } });
  await assert.rejects(conversation.load(broken('config.json'), () => {}), { code: 'json_invalid' });
  assert.deepEqual([conversation.phase, conversation.turns.length], ['ready', 2], 'refused early');
  await conversation.say('and', { maxTokens: 2 });
  await assert.rejects(conversation.load(broken('tokenizer.json'), () => {}), { code: 'json_invalid' });
  assert.deepEqual([conversation.phase, conversation.turns], ['empty', []]);
});

test('addresses: folders, and models of the Hub by their name or their page', () => {
  const base = 'https://a.test/examples/chat/index.html';
  const hub = 'https://huggingface.co/Qwen/Qwen2.5-0.5B-Instruct/resolve/main/';
  for (const given of ['Qwen/Qwen2.5-0.5B-Instruct', ' Qwen/Qwen2.5-0.5B-Instruct/ ',
    'https://huggingface.co/Qwen/Qwen2.5-0.5B-Instruct', hub]) assert.equal(addressOf(given, base), hub);
  assert.equal(addressOf('../../models/mine', base), 'https://a.test/models/mine/');
  assert.equal(addressOf('/models/mine/', base), 'https://a.test/models/mine/');
  assert.equal(addressOf('http://b.test/x', base), 'http://b.test/x/');
  assert.throws(() => addressOf('http://', base));
});

test('no form can be sent before its script is there: the browser would leave the page', async () => {
  const html = await readFile(new URL('../../web/examples/chat/index.html', import.meta.url), 'utf8');
  const buttons = html.match(/<button type="submit"[^>]*>/g);
  assert.equal(buttons.length, html.match(/<form/g).length);
  for (const button of buttons) assert.match(button, / disabled/);
});
