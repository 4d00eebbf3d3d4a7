// Basic use of a model with an encoder: it reads a source once, here the letters of a word, and writes a text
// from it, here the word's sounds. All ways of choosing a token are those of other models.
//
//   node pronounce.js [WORD ...]
import { loadModel } from 'kvcache-wasm';
import { sounds } from 'kvcache-wasm/models/sounds';

const given = process.argv.slice(2);
const words = given.length > 0 ? given : ['hello', 'knight', 'pneumonia'];

const WAYS = {
  greedy: { temperature: 0 },
  '3 beams': { numBeams: 3 },
  drawn: { temperature: 4, topK: 5, seed: 3 },
};

const model = await loadModel(sounds); // or a T5, a Marian or a BART: a URL, a folder, files by name
const session = model.createSession({ sourceCapacity: 64, capacity: 48 }); // tokens read, tokens written
for (const word of words) {
  for (const [name, way] of Object.entries(WAYS)) {
    let text = '';
    for await (const token of session.generate(word, way)) text += token.text; // each as it is computed
    const isRead = session.prefillStats.reused >= session.source.length; // as long as the source stays
    console.log(`${word}, ${name}, ${isRead ? 'in the cross cache' : 'encoded now'}: ${text}`);
  }
}
const { usedBytes, bytesPerToken, crossUsedBytes, crossBytesPerToken } = session.memoryUsage();
console.log(`${session.cachedTokens} tokens cached, ${bytesPerToken} bytes each: ${usedBytes}`);
console.log(`${session.source.length} of the source, ${crossBytesPerToken} bytes each: ${crossUsedBytes}`);
model.dispose();
