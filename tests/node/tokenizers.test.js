// Tokenizers of every kind that models have, against the ids and texts that Rust's tokenizers give
// (../fixtures/make_tokenizers.py), over texts of many scripts meant to break them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { graphemesOf } from '../../web/files/charsmap.js';
import { readTokenizer } from '../../web/files/tokenizer-json.js';
import { Tokenizer } from '../../web/files/tokenizer.js';
import { byteTokenizer, seeded, throwsCode } from './helpers.js';

const folder = new URL('../fixtures/tokenizers/', import.meta.url);
const read = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'));
const TEXTS = read('texts');
const IDS = read('ids');
const SIZE = 1000;
const BARE = { addSpecialTokens: false };
const SHOWN = { special: true };
const tokenizerOf = (json, size = SIZE) => new Tokenizer(readTokenizer(json, undefined, size), size);
const tokenizers = Object.fromEntries(Object.keys(IDS).map((name) => [name, tokenizerOf(read(name))]));

for (const [name, tokenizer] of Object.entries(tokenizers)) {
  const expected = IDS[name];
  test(`${name}: the ids of Rust's tokenizers, and what they decode to`, () => {
    assert.deepEqual(tokenizer.encode('a'), expected.around);
    TEXTS.forEach((text, i) => {
      const what = JSON.stringify(text);
      const ids = expected.plain[i];
      assert.deepEqual(tokenizer.encode(text, BARE), ids, what);
      assert.equal(tokenizer.decode(ids, SHOWN), expected.decoded[i] ?? text, what);
      assert.deepEqual(tokenizer.encode(text, { ...BARE, special: true }), expected.special[i] ?? ids, what);
    });
  });

  test(`${name}: streamed in any split, a text is what decode says, and no character is torn`, () => {
    const random = seeded(3);
    const { idsEnd } = tokenizer;
    const anyIds = Array.from({ length: 200 }, () => (
      Array.from({ length: random.below(9) }, () => random.below(idsEnd))));
    const texts = expected.plain.map((ids, i) => expected.special[i] ?? ids);
    for (const ids of [...texts, ...anyIds]) {
      for (const options of [{}, SHOWN]) {
        const whole = tokenizer.decode(ids, options);
        const stream = tokenizer.stream(options);
        const pieces = ids.map((id) => stream.push(id));
        assert.equal(pieces.join('') + stream.flush(), whole);
        for (const piece of pieces) assert.ok(piece.isWellFormed());
        if (!whole.includes('\ufffd')) assert.ok(!pieces.join('').includes('\ufffd'));
        for (let at = 0, text = ''; at <= ids.length; text += pieces[at++]) {
          const after = ids.slice(0, at);
          if (tokenizer.decode(after, options) !== text) continue; // within a character
          const rest = tokenizer.stream({ ...options, after });
          const end = ids.slice(at).map((id) => rest.push(id)).join('') + rest.flush();
          assert.equal(text + end, whole, `${ids} at ${at}`);
          assert.equal(end, tokenizer.decode(ids.slice(at), { ...options, after }));
        }
      }
    }
  });
}

// ---- SentencePiece ------------------------------------------------------------------------------

test('a character without a token comes with its last byte, not in pieces', () => {
  for (const name of ['llama2', 'tinyllama', 'gemma']) {
    const tokenizer = tokenizers[name];
    const ids = tokenizer.encode('🦤€', BARE);
    const stream = tokenizer.stream();
    const pieces = ids.map((id) => stream.push(id)).filter((piece) => piece !== '');
    assert.deepEqual(pieces.slice(-2), ['🦤', '€'], name);
    assert.ok(ids.length >= 7);
    const cut = tokenizer.stream();
    assert.equal(ids.slice(0, -1).map((id) => cut.push(id)).join('') + cut.flush(), '🦤\ufffd');
  }
});

test('the space that a tokenizer puts before a text is none of it; every other space is', () => {
  const { llama2, gemma, t5 } = tokenizers;
  for (const text of ['Hello', ' Hello', '  Hello', 'the the', '\n the', ' ']) {
    for (const tokenizer of [llama2, gemma]) assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
  }
  const [the, bar] = [llama2.encode('the', BARE), llama2.encode(' ', BARE)[0]];
  assert.equal(the.length, 1, '▁the');
  assert.equal(llama2.decode(the), 'the');
  assert.equal(llama2.decode([...the, ...the]), 'the the');
  assert.equal(llama2.decode(the, { after: the }), ' the');
  assert.equal(llama2.decode(the, { after: [1] }), 'the', 'what is not shown is nothing to continue');
  assert.equal(llama2.decode(the, { after: [1], special: true }), ' the');
  assert.equal(llama2.decode([1, ...the], SHOWN), '<s> the');
  assert.equal(llama2.decode([bar, ...the]), ' the', 'one space is left out, not two');
  const word = t5.encode('the the', BARE);
  assert.equal(t5.decode(word), 'the the');
  assert.equal(t5.decode(word, { after: word }), ' the the');
});

test('added tokens that are not special are vocabulary; special ones are text unless asked for', () => {
  const { qwen, pythia, gemma } = tokenizers;
  const think = qwen.encode('<think>');
  assert.equal(think.length, 1);
  assert.equal(qwen.decode(think), '<think>');
  assert.ok(qwen.encode('<|im_end|>').length > 1);
  assert.equal(qwen.encode('<|im_end|>', { special: true }).length, 1);
  for (const n of [2, 3, 24]) assert.equal(pythia.encode(' '.repeat(n)).length, 1, `${n} spaces`);
  assert.equal(pythia.encode(`a${' '.repeat(27)}b`).length, 4, 'the longest, then the rest');
  assert.equal(gemma.encode('\n\n\n\n\n', BARE).length, 2);
});

test('ids beyond the rows of the model are dropped: their text is text, and they are no tokens', () => {
  const json = read('gemma');
  const last = json.added_tokens.at(-1);
  const size = last.id;
  const [whole, cut] = [tokenizerOf(json, size + 1), tokenizerOf(json, size)];
  assert.deepEqual(whole.encode(last.content, BARE), [size]);
  assert.ok(cut.encode(last.content, BARE).length > 1);
  assert.equal(cut.decode(cut.encode(last.content)), last.content);
  assert.deepEqual([whole.idsEnd, cut.idsEnd], [size + 1, size]);
  assert.ok(!cut.has(size));
  throwsCode(() => cut.decode([size]), 'token_out_of_range');
  // A special token that belongs before every text has to be there.
  const template = json.post_processor;
  template.single[0].SpecialToken.id = last.content;
  template.special_tokens = { [last.content]: { ids: [size], tokens: [last.content] } };
  assert.deepEqual(tokenizerOf(json, size + 1).encode('')[0], size);
  throwsCode(() => tokenizerOf(json, size), 'tokenizer_invalid', /gives .* the id/);
});

test('no text of a user becomes a special id, even where the vocabulary has it', () => {
  for (const name of ['llama2', 'gemma', 't5']) {
    const json = read(name);
    const special = new Set(json.added_tokens.filter((token) => token.special && token.content !== '<unk>')
      .map(({ id }) => id));
    for (const text of TEXTS) {
      assert.ok(!tokenizers[name].encode(text, BARE).some((id) => special.has(id)), `${name}: ${text}`);
    }
  }
  const json = read('llama2');
  const { vocab, merges } = json.model;
  for (const token of ['<s', '/', '/s', '</s']) vocab[token] = Object.keys(vocab).length;
  merges.unshift(['<', 's'], ['<s', '>'], ['/', 's'], ['<', '/s'], ['</s', '>']);
  const tokenizer = tokenizerOf(json);
  for (const text of ['<s>', '</s>', 'a</s>']) assert.ok(!tokenizer.encode(text, BARE).some((id) => id < 3));
});

/** A BPE with the pieces of a Unigram. */
const bpeOf = ({ vocab }) => (
  { type: 'BPE', vocab: Object.fromEntries(vocab.map(([piece], id) => [piece, id])), merges: [] });

test('unknown tokens of a BPE in a row are one where it says so, special or not', () => {
  for (const isSpecial of [true, false]) {
    for (const [fuse, count] of [[true, 1], [false, 3]]) {
      const json = read('t5');
      json.model = { ...bpeOf(json.model), unk_token: '<unk>', fuse_unk: fuse };
      if (!isSpecial) json.added_tokens = json.added_tokens.filter(({ content }) => content !== '<unk>');
      const [bar, a, ...rest] = tokenizerOf(json).encode('a水水水a', BARE);
      assert.deepEqual(rest, [...Array(count).fill(2), a], `${bar}`);
    }
  }
});

// ---- long texts -----------------------------------------------------------------------------------

/** Long enough for every function that takes its arguments from the stack. */
const MANY = 100_000;

test('a piece of a Unigram may be as long as a text, known or not', () => {
  const { t5 } = tokenizers;
  const [bar, unknown, end] = t5.encode('水'); // ▁, <unk>, </s>
  assert.deepEqual(t5.encode('水'.repeat(MANY)), [bar, unknown, end], 'unknown ones in a row are one');
  const [, a] = t5.encode('水a水', BARE).slice(1);
  assert.deepEqual(t5.encode('水a水水a', BARE), [bar, unknown, a, unknown, a]);
  const ids = t5.encode('a7'.repeat(MANY), BARE);
  assert.ok(ids.length > MANY);
  assert.deepEqual(ids.slice(-20), t5.encode('a7'.repeat(50), BARE).slice(-20));
});

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
const whole = (text) => Array.from(segmenter.segment(text), ({ segment }) => segment);

test('graphemes found in pieces of a text are those of the whole', () => {
  const random = seeded(17);
  const kinds = [
    ['a', ' ', '\n', '\r', '\r\n', '\0', '\u200b', '水', 'é', '\u0600'], // U+0600 goes before a character
    ['\u0301', '\u0e33', '\u0903', '\ufe0f', '\u200d', '\u{1f3fb}'],
    ['👩', '❤️', '👨\u200d👩\u200d👧', '👍\u{1f3fb}', '\u200d', '\u{1f3fb}'],
    ['🇩', '🇪', '🇫'], ['ᄀ', '가', '각', 'ᅡ', 'ᆨ'], ['क', '्', '\u200d', 'ष', '\u093c'],
  ];
  const pick = (list) => list[random.below(list.length)];
  for (let round = 0; round < 60; round++) {
    const text = Array.from({ length: 40 }, () => {
      const [kind, other] = [pick(kinds), pick(kinds)];
      const length = random.below(250);
      return Array.from({ length }, () => pick(random.below(9) > 0 ? kind : other)).join('');
    }).join('');
    assert.deepEqual([...graphemesOf(text, segmenter)], whole(text));
  }
  for (const [one, n] of [['\u0301', 2500], ['\u200d👩', 3000], ['🇩', 3001], ['', 0]]) {
    const text = `a${one.repeat(n)}b`;
    assert.deepEqual([...graphemesOf(text, segmenter)], whole(text));
  }
});

test('the segmenter sees no long text, and each character of one about once', () => {
  for (const [text, most, all] of [
    [' '.repeat(200_000), 1001, 1.01], ['水a'.repeat(MANY), 1001, 1.01], ['👩'.repeat(MANY), 1001, 1.01],
    [`a${'\u0301'.repeat(200_000)}`, 200_001, 4],
  ]) {
    let [longest, sum] = [0, 0];
    const counting = { segment(piece) {
      longest = Math.max(longest, piece.length);
      sum += piece.length;
      return segmenter.segment(piece);
    } };
    assert.equal([...graphemesOf(text, counting)].join(''), text);
    assert.ok(longest <= most && sum <= all * text.length, `${longest}, ${sum}`);
  }
});

// ---- refusals -----------------------------------------------------------------------------------

const refused = (name, change, message) => {
  const json = name === 'bytes' ? byteTokenizer() : read(name);
  change(json);
  throwsCode(() => tokenizerOf(json), 'tokenizer_invalid', message);
};

test('what is not supported is refused, with a sentence', () => {
  for (const [name, change, message] of [
    ['llama2', (json) => { delete json.model.vocab['<0xE2>']; }, /lacks <0xE2>, despite byte_fallback/],
    ['llama2', (json) => { json.model.byte_fallback = false; }, /byte_fallback is false.*only true/],
    ['llama2', (json) => { json.decoder = null; }, /decoder of a SentencePiece tokenizer/],
    ['llama2', (json) => { json.decoder.decoders.splice(1, 1); }, /is "Replace Fuse Strip"/],
    ['llama2', (json) => { json.decoder.decoders[3].start = 2; }, /decoder of a SentencePiece/],
    ['llama2', (json) => { json.decoder.decoders[0].content = '_'; }, /decoder of a SentencePiece/],
    ['llama2', (json) => { json.decoder = { type: 'WordPiece' }; }, /"WordPiece"/],
    ['llama2', (json) => { json.normalizer.normalizers[0] = { type: 'Lowercase' }; }, /"Lowercase"/],
    ['llama2', (json) => { json.normalizer.normalizers[0].prepend = 5; }, /prepend is 5/],
    ['llama2', (json) => { json.normalizer.normalizers[1].pattern = {}; }, /a text or a regular expression/],
    ['llama2', (json) => { json.model.end_of_word_suffix = '</w>'; }, /end_of_word_suffix/],
    ['tinyllama', (json) => { json.pre_tokenizer.prepend_scheme = 'sometimes'; }, /prepend_scheme/],
    ['tinyllama', (json) => { json.pre_tokenizer.replacement = '_'; }, /replacement/],
    ['tinyllama', (json) => { json.pre_tokenizer.add_prefix_space = false; }, /as its add_prefix_space says/],
    ['tinyllama', (json) => { json.decoder = { type: 'Metaspace', replacement: '▁' }; }, /byte_fallback/],
    ['gemma', (json) => { json.pre_tokenizer.behavior = 'Contiguous'; }, /behavior is "Contiguous"/],
    ['gemma', (json) => { json.pre_tokenizer.type = 'BertPreTokenizer'; }, /BertPreTokenizer/],
    ['t5', (json) => { json.model.byte_fallback = true; }, /byte fallback of a Unigram/],
    ['t5', (json) => { json.model.unk_id = null; }, /unk_id is null/],
    ['t5', (json) => { json.model.unk_id = 1e6; }, /unk_id is 1000000/],
    ['t5', (json) => { json.model.vocab[7] = ['a']; }, /piece 7 of model\.vocab/],
    ['t5', (json) => { json.model.vocab[7] = ['a', null]; }, /piece 7 of model\.vocab/],
    ['t5', (json) => { json.model = bpeOf(json.model); }, /unk_token is missing/],
    ['t5', (json) => { json.pre_tokenizer = byteTokenizer().pre_tokenizer; }, /decoder of a byte-level/],
    ['bytes', (json) => { json.model = read('t5').model, json.added_tokens = []; }, /of a Unigram/],
  ]) refused(name, change, message);
  const short = btoa('\x05\0\0\0abcde');
  for (const map of [undefined, 5, '', 'AAAA', '////////', 'no base64!', 'AAA', 'A___', short]) {
    refused('t5', (json) => { json.normalizer.normalizers[0].precompiled_charsmap = map; }, /no table of/);
  }
});

test('a table of SentencePiece that leads nowhere changes nothing', () => {
  const random = seeded(9);
  const json = read('t5');
  const step = json.normalizer.normalizers[0];
  const bytes = Array.from(atob(step.precompiled_charsmap), (c) => c.charCodeAt(0));
  for (let round = 0; round < 50; round++) {
    const damaged = bytes.map((byte, i) => (i < 4 || random.below(20) > 0 ? byte : random.below(256)));
    step.precompiled_charsmap = btoa(String.fromCharCode(...damaged));
    const tokenizer = tokenizerOf(json);
    for (const text of TEXTS) tokenizer.encode(text);
  }
});

test('a regular expression that could take forever is refused; those of real models are not', () => {
  const withSplit = (Regex) => ({
    ...byteTokenizer(), pre_tokenizer: { type: 'Sequence', pretokenizers: [
      { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false },
      { ...byteTokenizer().pre_tokenizer, use_regex: false }] },
  });
  for (const regex of ['(a+)+$', '(a|aa)*b', '((x)){2,}', 'a*b*c*d*e*f', '(?:a?){30}', '(\\)|a+)*']) {
    throwsCode(() => tokenizerOf(withSplit(regex)), 'tokenizer_invalid', /could take forever/);
  }
  for (const regex of ['(', '[', '\\', '(?<=a', '\\p{Nonsense}', '*', '(?i', '(?m:a)', '(?i)a', 'a++b',
    'a?+b', 'a*+b', '(?>a|b)', '\\Ga']) {
    throwsCode(() => tokenizerOf(withSplit(regex)), 'tokenizer_invalid', /cannot be used/);
  }
  for (const regex of [
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t)?",
    '[一-龥ࠀ-一가-퟿]+', '\\s?[!-/:-~！-／：-～‘-‟　-。]+', '[\\r\\n]', '\\s+$',
  ]) assert.equal(tokenizerOf(withSplit(regex)).decode(byteIds(' a1!')), ' a1!', regex);
});

const byteIds = (text) => [...new TextEncoder().encode(text)];
