import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Tokenizer as Library } from '@huggingface/tokenizers';
import { readTokenizer } from '../../web/files/tokenizer-json.js';
import { Tokenizer } from '../../web/files/tokenizer.js';
import { BYTE_CHARACTERS, END_OF_TEXT, byteTokenizer, seeded, throwsCode } from './helpers.js';

const MERGES = ['h e', 'l l', 'Ġ t', 'he ll', 'Ã ©', 'ð Ł', 'e r', 'Ġt he', 'Ċ Ċ', 'Ġ Ġ', 'i n'];
const EOT = 256 + MERGES.length;
const SIZE = EOT + 3; // two rows of padding after the last token
function make(json = byteTokenizer({ merges: MERGES }), config, size = SIZE) {
  return new Tokenizer(readTokenizer(json, config, size), size);
}
/** Asserts that a file is refused. */
const refused = (json, message) => throwsCode(() => make(json), 'tokenizer_invalid', message);
const tokenizer = make();

/** Every tokenizer.json there is to test with: the one built here, and the shipped model's. */
/** Makes a tokenizer.json take digits apart, as SmolLM's does; returns the step that does it. */
function digitsApart(json) {
  const digits = { type: 'Digits', individual_digits: true };
  json.pre_tokenizer = { type: 'Sequence', pretokenizers: [digits, json.pre_tokenizer] };
  return digits;
}

const tokenizers = [['built here', byteTokenizer({ merges: MERGES }), SIZE]];
const stories = new URL('../../web/models/stories/', import.meta.url);
if (existsSync(new URL('tokenizer.json', stories))) {
  const read = (name) => JSON.parse(readFileSync(new URL(name, stories), 'utf8'));
  tokenizers.push(['stories', read('tokenizer.json'), read('config.json').vocab_size]);
}

const ALPHABETS = [
  () => 32, (random) => 97 + random.below(26), (random) => random.below(128), (random) => random.below(256),
  (random) => 0x300 + random.below(0x500), (random) => 0x4e00 + random.below(0x5000),
  (random) => 0x1f300 + random.below(0x300), (random) => 0x10000 + random.below(0x100000),
  (random) => random.pick([0xfeff, 0x85, 0x2028, 0xa0, 0xad, 0x200b, 0x202e, 10, 13, 9, 39, 48]),
  (random) => random.pick([...' the hello, then in the end'].map((c) => c.charCodeAt(0))),
];

function randomText(random) {
  const points = Array.from({ length: random.below(30) }, () => random.pick(ALPHABETS)(random));
  return String.fromCodePoint(...points.filter((point) => point < 0xd800 || point > 0xdfff));
}

for (const [name, json, size] of tokenizers) {
  test(`${name}: 10,000 random texts come back unchanged, and the ids are the library's`, () => {
    const ours = make(json, undefined, size);
    const library = new Library({ ...json, added_tokens: [] }, {});
    const random = seeded(1);
    for (let i = 0; i < 10_000; i++) {
      const text = randomText(random);
      const ids = ours.encode(text);
      assert.equal(ours.decode(ids), text);
      assert.ok(ids.every((id) => ours.has(id)));
      // The library's \s is JavaScript's, which is wrong about these two.
      if (!/[\u0085\ufeff]/.test(text)) assert.deepEqual(ids, library.encode(text).ids, JSON.stringify(text));
    }
  });

  test(`${name}: a stream in any split says what decode says, and never half a character`, () => {
    const ours = make(json, undefined, size);
    const random = seeded(2);
    for (let i = 0; i < 500; i++) {
      const anyIds = () => Array.from({ length: random.below(12) }, () => random.below(size));
      const ids = i % 2 === 0 ? ours.encode(randomText(random)) : anyIds();
      const whole = ours.decode(ids);
      const stream = ours.stream();
      const pieces = ids.map((id) => stream.push(id));
      assert.equal(pieces.join('') + stream.flush(), whole);
      for (const piece of pieces) assert.ok(piece.isWellFormed());
      // Of text, each prefix shows complete characters only: no replacement character before flush.
      if (i % 2 === 0 && !whole.includes('\ufffd')) assert.ok(!pieces.join('').includes('\ufffd'));
    }
  });
}

/** The tokens of single bytes have the byte as their id here. */
const byteIds = (text) => [...new TextEncoder().encode(text)];

test('known ids: merges in order of rank, bytes for the rest', () => {
  const rank = (merge) => 256 + MERGES.indexOf(merge);
  assert.deepEqual(tokenizer.encode(''), []);
  assert.deepEqual(tokenizer.encode('hello'), [rank('he ll'), ...byteIds('o')]);
  assert.deepEqual(tokenizer.encode(' the'), [rank('Ġt he')]);
  assert.deepEqual(tokenizer.encode('é'), [rank('Ã ©')]);
  const list = byteTokenizer({ merges: MERGES });
  list.model.merges = MERGES.map((merge) => merge.split(' '));
  assert.deepEqual(make(list).encode('hello the end'), tokenizer.encode('hello the end'));
});

test('white space is split as Unicode says, not as JavaScript does', () => {
  const plain = make(byteTokenizer({ merges: ['Ģ Ċ', 'Ġ ï'] }), undefined, 300);
  // U+0085 is white space, so " \u0085\n" is one run, in which C2 85 0A may merge.
  const nel = make(byteTokenizer({ merges: ['ħ Ċ'] }), undefined, 300);
  assert.equal(BYTE_CHARACTERS[0x85], 'ħ');
  assert.deepEqual(nel.encode('\u0085\n'), [0xc2, 256]);
  // U+FEFF is none, so it takes the space before it along: 20 EF may merge.
  assert.deepEqual(plain.encode(' \ufeff'), [257, 0xbb, 0xbf]);
});

test('use_regex false lets merges cross words', () => {
  const json = byteTokenizer({ merges: ['a Ġ'] });
  assert.deepEqual(make(json).encode('a b'), byteIds('a b'));
  json.pre_tokenizer.use_regex = false;
  assert.deepEqual(make(json).encode('a b'), [256, 98]);
});

test('digits apart, of every script: the ids of Rust\'s tokenizers', () => {
  const json = byteTokenizer({ merges: ['1 2', 'Ġ a', 'Ġ 1', 'Ġa 1', 'a 1', 'Ġ Ġ', '2 Ġ'] });
  digitsApart(json);
  const tokenizer = make(json, undefined, 300);
  const text = '12 a1  12a\u00bd1 \uff12\u0663 b12\n 3.14,1 a';
  const ids = tokenizer.encode(text);
  assert.deepEqual(ids, [49, 50, 257, 49, 261, 49, 50, 97, 194, 189, 49, 32, 239, 188, 146, 217, 163, 32, 98,
    49, 50, 10, 32, 51, 46, 49, 52, 44, 49, 257]);
  assert.equal(tokenizer.decode(ids), text);
});

test('ignore_merges takes a whole word from the vocabulary', () => {
  const json = byteTokenizer({ vocab: ['abc'] });
  assert.deepEqual(make(json).encode('abc'), byteIds('abc'));
  json.model.ignore_merges = true;
  assert.deepEqual(make(json).encode('abc'), [256]);
});

test('a normalizer is applied', () => {
  const json = { ...byteTokenizer(), normalizer: { type: 'NFC' } };
  assert.deepEqual(make(json).encode('e\u0301'), byteIds('é'));
});

test('streaming: the character comes with its last byte', () => {
  const stream = tokenizer.stream();
  const pieces = byteIds('aé€😀').map((byte) => stream.push(byte));
  assert.deepEqual(pieces, ['a', '', 'é', '', '', '€', '', '', '', '😀']);
  assert.equal(stream.flush(), '');
});

test('streaming: an unfinished rest becomes U+FFFD, in flush or before the next character', () => {
  const stream = tokenizer.stream();
  assert.equal(stream.push(0xf0) + stream.push(0x9f), '');
  assert.equal(stream.flush(), '\ufffd');
  assert.equal(stream.push(0xe2), '');
  assert.equal(stream.push(0x41), '\ufffdA');
  assert.equal(stream.push(0xff), '\ufffd');
  assert.equal(stream.flush(), '');
  assert.equal(tokenizer.decode([0xef, 0xbb, 0xbf, 0x41]), '\ufeffA');
});

test('lone surrogates become U+FFFD', () => {
  for (const text of ['\ud800', 'a\udc00b', '\ude00\ud83d', '\ud83d']) {
    for (const special of [false, true]) {
      assert.equal(tokenizer.decode(tokenizer.encode(text, { special })), text.toWellFormed());
    }
  }
});

test('special tokens: text for users, one id where asked for, invisible unless asked for', () => {
  assert.ok(!tokenizer.encode(`a${END_OF_TEXT}b`).includes(EOT));
  assert.equal(tokenizer.decode(tokenizer.encode(END_OF_TEXT)), END_OF_TEXT);
  assert.deepEqual(tokenizer.encode(`a${END_OF_TEXT}b`, { special: true }), [97, EOT, 98]);
  assert.equal(tokenizer.decode([97, EOT, 98]), 'ab');
  assert.equal(tokenizer.decode([97, EOT, 98], { special: true }), `a${END_OF_TEXT}b`);
  assert.equal(tokenizer.decode([0xc3, EOT, 0xa9]), 'é');
});

test('no text of a user becomes a special id, even where merges or ignore_merges lead there', () => {
  const json = byteTokenizer({ merges: ['E O', 'EO S', 'EOS !'], added: [] });
  json.added_tokens = [
    { id: 257, content: 'EOS', special: true },
    { id: 400, content: 'kind', special: false },
  ];
  for (const ignore_merges of [false, true]) {
    json.model.ignore_merges = ignore_merges;
    const guarded = make(json, undefined, 401);
    for (const text of ['EOS', ' EOS', 'EOS!', 'xEOSx']) {
      assert.ok(!guarded.encode(text).includes(257), text);
      assert.equal(guarded.decode(guarded.encode(text)), text);
    }
    assert.deepEqual(guarded.encode('EOS', { special: true }), [257]);
    assert.deepEqual(guarded.encode('kind', { special: true }), [400]);
    assert.deepEqual(guarded.encode('kind EOS').slice(0, 2), [400, 32], 'others are vocabulary');
    assert.equal(guarded.decode([400, 257]), 'kind', 'an added token that is not special is text');
  }
});

const template = (pieces, special) => ({
  type: 'TemplateProcessing',
  single: pieces.map((id) => ({ [id === 'A' ? 'Sequence' : 'SpecialToken']: { id, type_id: 0 } })),
  pair: [],
  special_tokens: Object.fromEntries(Object.entries(special).map(([name, ids]) => (
    [name, { id: name, ids, tokens: ids.map((id) => ({ 256: '<s>', 257: '</s>' })[id]) }]))),
});

test('special tokens around a text: where the post-processor says so, and never twice', () => {
  const json = { ...byteTokenizer({ added: ['<s>', '</s>'] }) };
  const encode = (post_processor, config, text, options) => (
    make({ ...json, post_processor }, config, 258).encode(text, options));
  const begin = template(['<s>', 'A'], { '<s>': [256] });
  const both = template(['<s>', 'A', '</s>'], { '<s>': [256], '</s>': [257] });
  const inside = { type: 'Sequence', processors: [{ type: 'ByteLevel' }, begin] };
  for (const processor of [begin, inside]) {
    assert.deepEqual(encode(processor, undefined, 'a'), [256, 97]);
    assert.deepEqual(encode(processor, undefined, ''), [256]);
    assert.deepEqual(encode(processor, undefined, 'a', { addSpecialTokens: false }), [97]);
    assert.deepEqual(encode(processor, undefined, '<s>').length, 4, 'what a user types is text');
    assert.deepEqual(encode(processor, undefined, '<s>a', { special: true }), [256, 97]);
    assert.deepEqual(encode(processor, undefined, '<s><s>a', { special: true }), [256, 256, 97]);
    const own = { special: true, addSpecialTokens: false };
    assert.deepEqual(encode(processor, undefined, '<s>a', own), [256, 97]);
  }
  assert.deepEqual(encode(both, undefined, 'a'), [256, 97, 257]);
  assert.deepEqual(encode(both, undefined, '<s>a</s>', { special: true }), [256, 97, 257]);
  assert.deepEqual(encode(both, undefined, '</s>', { special: true }), [256, 257]);

  const asks = { add_bos_token: true, bos_token: '<s>', add_eos_token: true, eos_token: { content: '</s>' } };
  for (const processor of [null, undefined, json.post_processor]) {
    assert.deepEqual(encode(processor, { bos_token: '<s>' }, 'a'), [97]);
    assert.deepEqual(encode(processor, asks, 'a'), [256, 97, 257]);
    assert.deepEqual(encode(processor, { ...asks, add_eos_token: false }, 'a'), [256, 97]);
  }
  const said = (processor, config) => make({ ...json, post_processor: processor }, config, 258).contradiction;
  assert.equal(said(begin, { add_bos_token: true, add_eos_token: false }), undefined);
  assert.match(said(begin, { add_bos_token: false }), /add_bos_token: false, but tokenizer\.json adds one/);
  assert.match(said(begin, { add_eos_token: true }), /add_eos_token: true, but tokenizer\.json adds none/);
  assert.deepEqual(encode(begin, { add_bos_token: false }, 'a'), [256, 97]);
});

test('special tokens that take the spaces beside them; one before and one after a text, as in a BART', () => {
  const json = byteTokenizer({ added: ['<s>', '</s>', '<left>', '<right>'] });
  json.added_tokens[2].lstrip = true;
  json.added_tokens[3].rstrip = true;
  json.post_processor = { type: 'RobertaProcessing', cls: ['<s>', 256], sep: ['</s>', 257] };
  const tokenizer = make(json, undefined, 260);
  for (const [text, ids] of [ // as Rust's tokenizers have it
    ['a  <left> b', [97, 258, 32, 98]], ['  <left><left>', [258, 258]], ['', []],
    ['a <right>  b<right>', [97, 32, 259, 98, 259]], ['a <right>  <left>b', [97, 32, 259, 258, 98]],
    [' \n<left>\u00a0x', [258, 194, 160, 120]],
  ]) assert.deepEqual(tokenizer.encode(text, { special: true }), [256, ...ids, 257], text);
  assert.equal(tokenizer.encode('a <left>').length, 2 + 'a <left>'.length, 'what a user types is text');
});

test('tokenizer_invalid: special tokens around a text that are not there', () => {
  const begin = (ids, tokens = ['<s>']) => {
    const made = template(['<s>', 'A'], {});
    return { ...made, special_tokens: { '<s>': { id: '<s>', ids, tokens } } };
  };
  const json = byteTokenizer({ added: ['<s>', '</s>'] });
  for (const [post_processor, message] of [
    [begin([257]), /gives "<s>" the id 257/], [begin([256], ['<x>']), /gives "<x>"/],
    [begin([256], []), /gives missing/], [begin(null), /ids must be an array/],
    [template(['<s>', 'A'], {}), /lacks "<s>"/], [template(['<s>'], { '<s>': [256] }), /sequence A once/],
    [{ ...begin([256]), single: [{ Sequence: { id: 'B' } }] }, /sequence A once/],
    [template(['A', 'A'], {}), /sequence A once/],
    [{ type: 'Sequence', processors: [begin([256]), begin([256])] }, /one TemplateProcessing/],
    [{ type: 'Sequence' }, /processors must be an array/], [{ type: 'BertProcessing' }, /Bert/],
    [{ type: 'RobertaProcessing' }, /has missing, which is not a token with its id/],
    [{ type: 'RobertaProcessing', cls: ['<s>', 257], sep: ['</s>', 257] }, /not a token with/],
    [7, /post_processor must be/], [{ ...begin([256]), single: 'A' }, /single must be/],
  ]) refused({ ...json, post_processor }, message);
  const config = (settings) => throwsCode(() => make(json, settings, 258), 'tokenizer_invalid', /bos_token/);
  for (const bos_token of [undefined, null, '<x>', 7, { content: '<x>' }, {}, []]) {
    config({ add_bos_token: true, bos_token });
  }
});

test('hostile token strings are only text', () => {
  const vocab = [
    '<img src=x onerror=alert(1)>', '</script>', '\u202e', '__proto__', 'constructor', 'toString',
    'hasOwnProperty', 'length', '', '0'.repeat(9),
  ];
  const json = JSON.parse(JSON.stringify(byteTokenizer({ added: ['[__proto__]'] })));
  const hostileTokens = vocab.map((token, i) => [token, 300 + i]);
  json.model.vocab = Object.fromEntries([...Object.entries(json.model.vocab), ...hostileTokens]);
  const hostile = make(json, undefined, 310);
  for (const [i, token] of vocab.entries()) {
    assert.equal(hostile.decode([300 + i]), token);
    assert.equal(hostile.decode(hostile.encode(token)), token);
  }
  assert.equal({}.length, undefined);
  const merged = byteTokenizer({ merges: ['_ _', 'p r', 'pr o', 't o', 'pro to', '__ proto', '__proto __'] });
  const proto = make(JSON.parse(JSON.stringify(merged)));
  assert.deepEqual(proto.encode('__proto__').length, 3, '__ proto __: split before merging');
  assert.equal(proto.decode(proto.encode('__proto__')), '__proto__');
  assert.equal(proto.decode([262]), '__proto__');
});

test('rows without a token decode to nothing, and the padding at the end is known', () => {
  assert.equal(tokenizer.idsEnd, EOT + 1);
  assert.equal(tokenizer.vocabSize, SIZE);
  const known = [0, EOT, EOT + 1, -1, SIZE].map((id) => tokenizer.has(id));
  assert.deepEqual(known, [true, true, false, false, false]);
  assert.equal(tokenizer.decode([97, EOT + 1, 98], { special: true }), 'ab');
  assert.equal(make(byteTokenizer(), undefined, 257).idsEnd, 257);
});

test('token_out_of_range and invalid_argument', () => {
  for (const id of [-1, SIZE, 1.5, NaN, '1', null, undefined, 2 ** 32]) {
    throwsCode(() => tokenizer.decode([id]), 'token_out_of_range', new RegExp(`${SIZE - 1}`));
  }
  for (const text of [null, undefined, 5, ['a'], {}]) {
    throwsCode(() => tokenizer.encode(text), 'invalid_argument', /string/);
  }
});

test('tokenizer_invalid: files of another kind', () => {
  const cases = [
    [(json) => { json.model.type = 'Unigram'; }, /model\.vocab must be an array/],
    [(json) => { json.model.type = 'WordPiece'; }, /WordPiece/],
    [(json) => { json.model.byte_fallback = true; }, /byte_fallback is true.*only false, as its decoder/],
    [(json) => { json.model.dropout = 0.1; }, /dropout/],
    [(json) => { json.model.end_of_word_suffix = '</w>'; }, /end_of_word_suffix/],
    [(json) => { json.model.continuing_subword_prefix = '##'; }, /continuing_subword_prefix/],
    [(json) => { json.pre_tokenizer = null; }, /decoder of a SentencePiece tokenizer is "ByteLevel"/],
    [(json) => { json.pre_tokenizer = { type: 'Sequence' }; }, /pretokenizers must be an array/],
    [(json) => { digitsApart(json).type = 'Split'; }, /pre_tokenizer\.pattern must be/],
    [(json) => { digitsApart(json).type = 'Punctuation'; }, /pre_tokenizer is "Punctuation"/],
    [(json) => { json.pre_tokenizer.type = 'Metaspace'; }, /pre_tokenizer\.replacement is missing/],
    [(json) => { json.pre_tokenizer.add_prefix_space = true; }, /add_prefix_space/],
    [(json) => { delete json.pre_tokenizer.add_prefix_space; }, /add_prefix_space/],
    [(json) => { json.decoder.type = 'WordPiece'; }, /decoder/],
    [(json) => { json.post_processor.type = 'TemplateProcessing'; }, /post_processor/],
    [(json) => { json.normalizer = { type: 'Replace', pattern: { Regex: '(a+)+$' } }; }, /normalizer/],
    [(json) => { json.model = null; }, /model/],
    [(json) => { json.model.vocab = []; }, /vocab/],
    [(json) => { delete json.model.vocab; }, /vocab/],
    [(json) => { json.model.merges = {}; }, /merges/],
    [(json) => { delete json.model.merges; }, /merges/],
    [(json) => { json.added_tokens = {}; }, /added_tokens/],
  ];
  for (const [change, message] of cases) {
    const json = byteTokenizer({ merges: MERGES });
    change(json);
    refused(json, message);
  }
  for (const json of [null, [], 'x', 1, {}]) refused(json, /tokenizer\.json/);
  throwsCode(() => readTokenizer(undefined, undefined, SIZE), 'tokenizer_invalid', /tokenizer\.json/);
  throwsCode(() => make(undefined, { add_bos_token: true }), 'tokenizer_invalid', /add_bos_token/);
  throwsCode(() => make(undefined, []), 'tokenizer_invalid', /tokenizer_config/);
  make(undefined, { add_bos_token: false, clean_up_tokenization_spaces: true });
});

test('tokenizer_invalid: vocabulary, merges and added tokens that do not fit', () => {
  const withVocab = (entries) => {
    const json = byteTokenizer();
    json.model.vocab = { ...json.model.vocab, ...entries };
    return json;
  };
  for (const id of [SIZE, -1, 1.5, '7', null, 4e9]) refused(withVocab({ xy: id }), /"xy"/);
  refused(withVocab({ xy: 97 }), /same id 97/);
  throwsCode(() => make(undefined, undefined, EOT - 1), 'tokenizer_invalid', /another model/);
  const plain = { id: 258, content: 'xy' };
  make({ ...byteTokenizer(), added_tokens: [plain] });
  for (const [added, message] of [
    [{ ...plain, id: -1 }, /id of "xy" is/], [{ ...plain, id: 'q' }, /id of "xy" is "q"/],
    [{ content: 'xy' }, /id of "xy"/], [{ ...plain, id: 97 }, /same id 97/],
    [{ id: 256, content: 'a' }, /two ids, 97 and 256/],
    [{ id: 258 }, /not a text/], [{ ...plain, content: '' }, /not a text/],
    [{ ...plain, content: 7 }, /not a text/],
    [null, /added token must be/], ['x', /added token must be/],
    [{ ...plain, single_word: true }, /single_word/],
  ]) refused({ ...byteTokenizer(), added_tokens: [added] }, message);
  const merges = ['ab', 'a b c', ' b', 'a ', '', ['a'], ['a', 'b', 'c'], ['a', 1], null, 5];
  for (const merge of [...merges, 'a b', 'xy z', ['a', 'xy']]) {
    const json = byteTokenizer();
    json.model.merges = [merge];
    refused(json, /merge 0/);
  }
});

test('a vocabulary without every byte: text that needs a missing one is refused, and nothing is lost', () => {
  for (let byte = 0; byte < 128; byte++) {
    const json = byteTokenizer();
    delete json.model.vocab[BYTE_CHARACTERS[byte]];
    const tokenizer = make(json);
    const character = String.fromCharCode(byte);
    throwsCode(() => tokenizer.encode(`é${character}`), 'invalid_argument', /cannot read/);
    const text = 'é~ \u0001'.replace(character, '');
    assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
  }
  const json = byteTokenizer();
  delete json.model.vocab[BYTE_CHARACTERS[0xc3]];
  throwsCode(() => make(json).encode('aé'), 'invalid_argument', /"é"/);
  const special = { ...byteTokenizer(), added_tokens: [{ id: 97, content: 'a', special: true }] };
  throwsCode(() => make(special).encode('a'), 'invalid_argument');
});

test('random damage to tokenizer.json is a tokenizer_invalid or a working tokenizer', () => {
  const random = seeded(5);
  const values = [null, true, -1, 0, 1e9, 'x', '', [], {}, [[]], [null], 'a b'];
  let refused = 0;
  for (let round = 0; round < 2000; round++) {
    const json = byteTokenizer({ merges: MERGES });
    const { model } = json;
    const objects = [json, model, json.pre_tokenizer, json.added_tokens[0], model.vocab, model.merges];
    const target = random.pick([...objects, json.decoder]);
    target[random.pick(Object.keys(target))] = random.pick(values);
    try {
      const survivor = make(json);
      assert.equal(survivor.decode(survivor.encode('hello the é')), 'hello the é');
    } catch (error) {
      if (error.code !== 'tokenizer_invalid') throw error;
      refused++;
    }
  }
  assert.ok(refused > 500 && refused < 2000, `${refused} refused`);
});

test('40,000 characters without a break are encoded in well under a second each way', () => {
  const text = 'hell'.repeat(10_000);
  const start = performance.now();
  assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
  assert.ok(performance.now() - start < 5000);
});
