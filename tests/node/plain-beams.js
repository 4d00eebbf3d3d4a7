// What beam search must find, computed the obvious way.

/** ln softmax, in float64. */
function logSoftmax(logits) {
  const max = Math.max(...logits);
  const sum = logits.reduce((total, x) => total + Math.exp(x - max), 0);
  return Array.from(logits, (x) => x - max - Math.log(sum));
}

/**
 * Hugging Face's beam search, written down from its description: every beam is a plain list of ids, every
 * step computes it anew without a cache, all continuations are sorted.
 */
export function plainBeamSearch(model, prompt,
  { numBeams, maxTokens, lengthPenalty = 1, earlyStopping = false, repetitionPenalty = 1, ends = [] }) {
  const session = model.createSession({ useCache: false });
  const finished = [];
  const worst = () => Math.min(...finished.map((hypothesis) => hypothesis.score));
  const add = (ids, sum, length) => {
    finished.push({ ids, score: sum / length ** lengthPenalty });
    if (finished.length > numBeams) finished.splice(finished.findIndex(({ score }) => score === worst()), 1);
  };
  let beams = [{ ids: [], sum: 0 }];
  for (let length = 1; length <= maxTokens; length++) {
    const all = beams.flatMap(({ ids, sum }) => {
      session.reset();
      session.prefill([...prompt, ...ids]);
      return logSoftmax(session.logits).slice(0, model.sampledIds)
        .map((logProb, id) => [id, [...prompt, ...ids].includes(id) ? logProb * repetitionPenalty : logProb])
        .map(([id, logProb]) => ({ ids: [...ids, id], id, sum: sum + logProb }));
    }).sort((a, b) => b.sum - a.sum);
    all.slice(0, numBeams)
      .filter(({ id }) => ends.includes(id)).forEach(({ ids, sum }) => add(ids.slice(0, -1), sum, length));
    beams = all.filter(({ id }) => !ends.includes(id)).slice(0, numBeams);
    const reach = earlyStopping === 'never' && lengthPenalty > 0 ? maxTokens : length;
    if (finished.length === numBeams
      && (earlyStopping === true || beams[0].sum / reach ** lengthPenalty <= worst())) {
      beams = [];
      break;
    }
  }
  for (const { ids, sum } of beams) add(ids, sum, ids.length);
  session.dispose();
  return finished.reduce((best, hypothesis) => (hypothesis.score > best.score ? hypothesis : best)).ids;
}

/** The ids of a run and how it ended. */
export async function result(run) {
  const ids = [];
  for (;;) {
    const { done, value } = await run.next();
    if (done) return { ids, reason: value };
    ids.push(value.id);
  }
}
