// An engine for players that does what the test says.
import assert from 'node:assert/strict';
import { WorkerError } from '../../web/worker/client.js';

export const MEMORY = {
  totalBytes: 9e5, cacheBytes: 8e5, usedBytes: 4e5, sharedBytes: 0, freedBytes: 0, slots: 80,
  bytesPerToken: 1e4,
};
export const LOADED = {
  config: { nLayer: 1, nHead: 1, headDim: 4, nEmbd: 4, vocabSize: 8, nPositions: 80 },
  variant: 'simd', weightBytes: 4e5, room: 80, memory: MEMORY, tick: 0.1, worker: true,
  generation: { temperature: 1, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, maxNewTokens: 20 },
};
export const PROOF = { tokens: 22, on: 'aa', off: 'aa', run: 'aa', equal: true };

/** Holds requests until the test answers them; a stop rejects, as the worker does, whatever is under way. */
export class FakeClient {
  /** Requests and orders, in words. */
  sent = [];
  #waiting = [];

  request(type, fields, onEvent) {
    if (type === 'count') return this.count(fields);
    this.sent.push(type);
    return new Promise((resolve, reject) => this.#waiting.push({ type, fields, onEvent, resolve, reject }));
  }

  /** One token a character. */
  count = async ({ prompt }) => ({ tokens: prompt.length, room: 80 });

  order(type, fields) {
    this.sent.push(`${type} ${Object.values(fields)}`);
  }

  stop() {
    this.sent.push('stop');
    const { type, resolve, reject } = this.#waiting.shift() ?? {};
    const answered = ['generate', 'benchmark'].includes(type);
    if (answered) resolve({ reason: 'stopped', position: 22, memory: MEMORY, hash: 'aa' });
    else reject?.(new WorkerError('aborted', 'Stopped.'));
  }

  dispose() {
    this.sent.push('dispose');
    for (const { reject } of this.#waiting.splice(0)) reject(new WorkerError('worker_lost', 'Ended.'));
  }

  /** The oldest request that has no answer yet, once it has come. */
  async next(type) {
    for (let turn = 0; turn < 20 && this.#waiting.length === 0; turn++) await settled();
    assert.equal(this.#waiting[0]?.type, type);
    return this.#waiting[0];
  }

  async answer(type, answer) {
    const { resolve } = await this.next(type);
    this.#waiting.shift();
    resolve(answer);
    await settled();
  }

  async fail(type, code) {
    const { reject } = await this.next(type);
    this.#waiting.shift();
    reject(new WorkerError(code, `It failed with ${code}.`));
    await settled();
  }

  /** A run as the worker reports it, up to its answer. */
  async write(ids, cached = true, ms) {
    const { onEvent } = await this.next('generate');
    onEvent({ type: 'prefilled', tokens: 2, reused: 0, cached, ms: 1, passes: 1, error: 0.1 });
    onEvent({ type: 'tokens', memory: MEMORY, tokens: tokens(ids, cached, 0, ms) });
  }

  /** Twenty tokens more of it, behind so many. */
  more(written, cached, ms) {
    this.#waiting[0].onEvent({ type: 'tokens', memory: MEMORY, tokens: tokens(IDS, cached, written, ms) });
  }

  async finish(ids, cached, ms) {
    await this.write(ids, cached, ms);
    await this.answer('generate', { reason: 'length', position: 2 + ids.length, memory: MEMORY, hash: 'aa' });
  }
}

export const settled = () => new Promise((resolve) => setImmediate(resolve));
export const tokens = (ids, cached, written = 0, ms = 20) => ids.map((id, i) => ({
  id, text: ` ${id}`, position: 2 + written + i, cached, work: 1,
  burst: { first: 2 + written, tokens: ids.length, ms },
}));
export const IDS = Array.from({ length: 20 }, (_, i) => i);
