// The contract between a page and the engine in its worker: every message that passes between them,
// first in words, then as types. desk.js keeps it on one side, client.js on the other.
//
// REQUESTS (page -> worker) carry an id, a number. Their events come back under that id, and then one
// answer. One request is served at a time; another is refused with the code "busy".
//
//   load      { url, files, wasm, variant, weights, capacity, whenFull, sinks, maxMemory, keep }   loads the
//                                         model at an absolute url, in place of the one before. files: by
//                                         name, their bytes or addresses; without a url, or where a
//                                         config.json is among them, they are the model, and a module of the
//                                         engine among them is the one used. wasm: its absolute address or
//                                         bytes, or a folder's. capacity: the most tokens of a text, by
//                                         default as many as the model takes and memory has room for; with
//                                         whenFull "slide", of the cache. The others: as of loadModel()
//     events  progress  { file, loaded }      bytes of one file so far
//             stalled   { file }              nothing of it has come for 10 seconds
//             not_kept  { reason }            with keep: the model is not kept, or not all of it
//     answer  { config, generation, variant, weightBytes, room, sourceRoom, sinks, memory, tick, worker }
//                                             weightBytes: in memory; room, sourceRoom: most tokens of a
//                                             text, a source; tick: ms of the clock; worker: as of status
//   weigh     { url, files, wasm, variant, maxMemory, keep }   what a model is and takes, by weighModel()
//     answer  { config, fileBytes, weightBytes, memoryBytes }
//   generate  { prompt, chat, written, more, sampling, proof }   one run. The prompt is a text or a
//                                         conversation, a list of messages; chat: options of its template.
//                                         With an encoder it is the source, and a text begins by itself.
//                                         What `sampling` lacks is the model's own. proof: false, no proof.
//                                         With `written`, ids, a run goes on, or back: the text is the prompt
//                                         and these, and what is written behind them has the random numbers
//                                         that it would have had there. What the session has of that text it
//                                         keeps, what differs it drops; maxTokens counts these ids too.
//                                         With `more`, it pauses after so many tokens, and is "stopped"
//     events  cut       of a run that goes on, a Cut, in place of the next three: the tokens behind the
//                                             prompt now, and what the session and its cache had of the text
//             prefilled { tokens, source, reused, cached, ms, passes, error }   the prompt was read. source:
//                                             those tokens that are of a source; as of prefill.js
//             proving   { tokens }            a proof of the prompt begins, and the run waits for it
//             proof     { tokens, on, off, equal }
//             tokens    { tokens, memory }    all that were given out since the last such event, which
//                                             comes once a frame at most, and before a look inside
//             resumed   { cached, missing, ms }   after a flip of the switch, or a cut, the session was
//                                             brought to where the text is; missing: tokens that it had,
//                                             and its cache had not and took in
//     answer  { reason, finishedBy, position, memory, hash }   finishedBy: the stop string of "stop", or the
//                                             token of it and of "eos"; hash: of the logits, if there are any
//     error   token_out_of_range, context_full   of the ids, of all the text; the run before is still there,
//             chat_template_missing, chat_template_failed   as it is then
//   prove     {}                          computes the last run again, with the cache and without
//     answer  { tokens, on, off, run, equal }   hashes: with the cache, without it, as the run left them
//   benchmark { contexts, runs, windowMs, patienceMs }   measures the loaded model, and then the same
//                                         model with the other kind of weights, loaded for this alone
//     events  planned   { contexts }      those that the model has positions for
//             measuring { weights, context, types, done, total }   types: of caches; done: of all runs
//             measured  { row }           the figures of one context
//             caches    { weights, context, tokens, rows }   those of every type of cache
//             loading   { weights }       the model is loaded again
//             left_out  { weights, code, message }   with these weights it could not be loaded
//     answer  { reason }
//     error   outputs_differ              every figure is void, those sent before included
//   lab       { bug, scenario, prompt, earlier, tokens, sampling, wasm }   one experiment() of
//                                         kvcache-wasm/lab: the model against itself with a bug, in a second
//                                         engine, freed afterwards. wasm: its module, where load gave no
//                                         folder; by default the one beside the scripts
//     events  loading   {}
//             writing   {}                  both are there
//     answer  { prompt, right, wrong, differences, parting, firstWrong }   as of experiment()
//   edit      { before, after, maxTokens }   a prompt is changed: what a cache that holds the old one spares,
//                                         and what comes of keeping too much of it. The run stays as it is
//     answer  { before, after, rest, whole, answers, hashes, kept, distance }   as in edited.js
//   trace     { source, maxTokens, useCache, useCrossCache }   what a model with an encoder writes from a
//     answer  { source, reading, steps, looks, bytes }   source, beside the run: as in traced.js
//   window    { prompt, tokens, seed, capacity, sinks }   a text of so many tokens, written with sliding
//     events  held      { written, ms, spans, memory, capacity, sinks }   after the prompt and each burst
//             proving   { tokens }        all of it is computed again, without the cache
//     answer  { reason, proof }               proof: { tokens, on, off }, hashes; none after a stop
//   losses    { text, capacity, sinks }   what such a cache forgets, and one without sinks: as in windowed.js
//     events  reading   { way, done, total }   in tokens
//     answer  { tokens, bits, again }
//   count     { prompt, chat }            how long a prompt is; answered at any time, like status
//     answer  { tokens, room }              room: for how many tokens
//   inspect   { tokens, vectors, attention, cross, queries, candidates, fork, stored }   what the run is
//                                         made of, of the tokens given out. Answered at any time, but
//                                         between two bursts, so that it is in no figure; all tokens it is
//                                         about were sent before. The parts are optional: tokens
//                                         { first, count }; vectors { layers, heads, first, count, at }, of
//                                         those in the cache or, with `at`, of all up to that token;
//                                         attention { position, layers, heads }, of the token there; cross,
//                                         over the source, and queries, the same; candidates
//                                         { position, count }, for the token there; fork, the same, after
//                                         so many tokens; stored { types }. Layers, heads and types are
//                                         lists, by default of all
//     answer  { position, prompt, memory, cache, ... }   cache: its map; and the parts that were asked for
//     error   position_out_of_range       no such position, layer or head; nothing of it is left out
//             busy                        a benchmark is under way
//   status    {}                          answered at any time
//     answer  { loaded, busy, position, useCache, useCrossCache, worker }   useCrossCache: with an encoder;
//                                             worker: false where all is computed on the page's own thread
//
// ANSWERS (worker -> page) are { type: "answer", id, ... } or { type: "error", id, code, message }.
//
// ORDERS (page -> worker) have no id and no answer:
//   stop      {}                          ends the request being served, within one token or 8 ms
//   setCache  { on }                      holds from the next token on, and for later runs
//   setCrossCache { on }                  the same for the keys and values of a source
//   setPace   { tokensPerSecond }         how fast tokens are wanted; 0: as fast as possible
//
// Any other message is answered with the error "invalid_argument", and so is one with fields that
// cannot be used, even an order. The error has the id of the message, or none if that has none.
//
// PACE. A cached token takes a fraction of a millisecond, so a run would be over before a reader could
// flip the switch: tokens are given out at a pace. They are computed ahead of it, in bursts that the
// worker's clock can measure (writer.js). What was computed and not given out when the switch is flipped or
// the run stopped is taken back: text, position, memory and proof are always of what was given out.

/**
 * @import { Config } from '../config/config.js'
 * @import { GenerationConfig } from '../config/generation.js'
 * @import { Variant } from '../engine/variants.js'
 * @import { ErrorCode } from '../engine/errors.js'
 * @import { NotKept } from '../files/keep.js'
 * @import { Experiment, Outcome } from '../lab/experiment.js'
 * @import { ChatOptions, Message } from '../session/chat.js'
 * @import { FinishReason } from '../session/plan.js'
 * @import { Likely } from '../session/sampler.js'
 * @import { LogitBias } from '../session/sampling.js'
 * @import { MemoryUsage } from '../session/inspect.js'
 * @import { Weighed } from '../session/weigh.js'
 * @import { Compared, WrittenId } from './edited.js'
 * @import { TraceFields, Traced } from './traced.js'
 */

// ---- what messages carry ----------------------------------------------------------------------

/**
 * @typedef {'f32' | 'int8'} Weights
 * @typedef {Blob | ArrayBuffer | ArrayBufferView<ArrayBuffer> | string | PackedFile} File  string: address
 * @typedef {{ gzip: string }} PackedFile  in base64
 * @typedef {Record<string, File>} Files  by name
 *
 * @typedef {{ wasm?: string | ArrayBuffer | ArrayBufferView, variant?: 'auto' | Variant, maxMemory?: number }
 *   & ({ url: string, files?: Files } | { url?: undefined, files: Files })} Source  of a model and its engine
 * @typedef {{ prompt: string | readonly Message[], chat?: Omit<ChatOptions, 'signal'> }} Prompted
 *
 * @typedef {object} Sampling  what of it is left out comes from the model
 * @property {number} [maxTokens]
 * @property {number} [temperature]
 * @property {number} [topK]
 * @property {number} [topP]
 * @property {number} [minP]
 * @property {number} [repetitionPenalty]
 * @property {number | bigint} [seed]
 * @property {string | readonly string[]} [stop]   this and what follows as in the options of generate()
 * @property {readonly number[]} [stopTokens]
 * @property {number} [minTokens]
 * @property {number} [noRepeatNgramSize]
 * @property {number} [frequencyPenalty]
 * @property {number} [presencePenalty]
 * @property {LogitBias} [logitBias]
 * @property {number} [logprobs]
 *
 * @typedef {import('./prefill.js').Prefill} Prefill
 *
 * @typedef {object} Burst      tokens computed in a row, and measured together
 * @property {number} first     position
 * @property {number} tokens
 * @property {number} ms        of computing them all
 *
 * @typedef {object} WrittenToken
 * @property {number} id
 * @property {string} text
 * @property {number} position  in the timeline, from 0
 * @property {boolean} cached   computed with the cache on
 * @property {boolean} [crossCached]  and with the cross cache, of a model with an encoder
 * @property {number} work      tokens that ran through the model to get it
 * @property {number} [logProb]   with logprobs: the natural logarithm of the model's own probability
 * @property {readonly Likely[]} [top]  with it: the likeliest tokens in its place
 * @property {Burst} [burst]    tells how long it took: its own or the one next to it; none about a lone token
 *
 * @typedef {object} Cut
 * @property {{ id: number, text: string }[]} written  all that stand behind the prompt
 * @property {number} kept      tokens of the text that the session had, those of the prompt included
 * @property {number} taken     tokens that the cache had taken in, also those that had left it since
 * @property {number} dropped   tokens whose K and V left the cache now
 * @property {number} droppedBytes  what they took there
 * @property {boolean} cached   the cache is on
 * @property {MemoryUsage} memory  after that
 *
 * @typedef {object} Proof
 * @property {number} tokens
 * @property {string} on        hash of the logits, with the cache
 * @property {string} off       without it
 * @property {string} [run]     as the run left them; in the answer to "prove" only
 * @property {boolean} equal
 *
 * What is asked of the request "inspect", and what is seen.
 * @typedef {import('./seen.js').Look} Look
 * @typedef {import('./seen.js').Span} Span
 * @typedef {import('./seen.js').Place} Place
 * @typedef {import('./seen.js').CacheLayout} CacheLayout
 * @typedef {import('./seen.js').Seen} Seen
 *
 * @typedef {Compared & { before: WrittenId[], after: WrittenId[] }} Edited  the prompts' tokens
 *
 * @typedef {import('./benchmarked.js').Row} Row
 * @typedef {import('./benchmarked.js').BenchmarkJob} BenchmarkJob
 */

// ---- the messages -----------------------------------------------------------------------------

/**
 * @typedef {Record<string, never>} Nothing
 *
 * @typedef {object} Requests  by name
 * @property {{
 *   fields: Source & {
 *     weights?: Weights, capacity?: number, keep?: boolean, whenFull?: 'stop' | 'slide', sinks?: number,
 *   },
 *   events: {
 *     progress: { file: string, loaded: number }, stalled: { file: string }, not_kept: { reason: NotKept },
 *   },
 *   answer: {
 *     config: Readonly<Config>, generation: Readonly<GenerationConfig>, variant: Variant,
 *     weightBytes: number, room: number, sourceRoom?: number, sinks?: number, memory: MemoryUsage,
 *     tick: number, worker: boolean,
 *   },
 * }} load
 * @property {{ fields: Source & { keep?: boolean }, events: {}, answer: Weighed }} weigh
 * @property {{
 *   fields: Prompted & { written?: readonly number[], more?: number, sampling: Sampling, proof?: boolean },
 *   events: {
 *     cut: Cut,
 *     prefilled: Prefill, proving: { tokens: number }, proof: Proof,
 *     tokens: { tokens: WrittenToken[], memory: MemoryUsage },
 *     resumed: { cached: boolean, missing: number, ms: number },
 *   },
 *   answer: {
 *     reason: FinishReason | 'stopped', finishedBy?: string | number, position: number,
 *     memory: MemoryUsage, hash?: string,
 *   },
 * }} generate
 * @property {{ fields: Nothing, events: {}, answer: Proof & { run: string } }} prove
 * @property {import('./benchmarked.js').BenchmarkRequest} benchmark
 * @property {{
 *   fields: Omit<Experiment, 'signal'> & { wasm?: File },
 *   events: { loading: {}, writing: {} }, answer: Outcome,
 * }} lab
 * @property {{
 *   fields: { before: string, after: string, maxTokens: number }, events: {}, answer: Edited,
 * }} edit
 * @property {{ fields: TraceFields, events: {}, answer: Traced }} trace
 * @property {import('./windowed.js').WindowRequest} window
 * @property {import('./windowed.js').LossesRequest} losses
 * @property {{ fields: Prompted, events: {}, answer: { tokens: number, room: number } }} count
 * @property {{ fields: Look, events: {}, answer: Seen }} inspect
 * @property {{
 *   fields: Nothing, events: {},
 *   answer: {
 *     loaded: boolean, busy: boolean, position: number, useCache: boolean, useCrossCache?: boolean,
 *     worker: boolean,
 *   },
 * }} status
 *
 * @typedef {object} Orders  the fields of each, by name
 * @property {Nothing} stop
 * @property {{ on: boolean }} setCache
 * @property {{ on: boolean }} setCrossCache
 * @property {{ tokensPerSecond: number }} setPace
 *
 * @typedef {object} Failure  "internal": a fault of this program
 * @property {ErrorCode | 'internal'} code
 * @property {string} message
 */

// ---- the same, taken apart --------------------------------------------------------------------

/** @typedef {keyof Requests} RequestName  @typedef {keyof Orders} OrderName */

/** @template {RequestName} K @typedef {Requests[K]['fields']} Fields */
/** @template {RequestName} K @typedef {Requests[K]['answer']} Answer */
/** @template {RequestName} K @typedef {Requests[K]['events']} Events */

/**
 * Any event of a request, told apart by its type.
 * @template {RequestName} K
 * @typedef {{ [E in keyof Events<K>]: { type: E } & Events<K>[E] }[keyof Events<K>]} RequestEvent
 */

/**
 * Sends an event of a request.
 * @template {RequestName} K
 * @typedef {<E extends keyof Events<K>>(type: E, fields: Events<K>[E]) => void} Emit
 */

/** @typedef {{ [K in RequestName]: RequestEvent<K> }[RequestName]} AnyEvent */

/**
 * Whatever comes back from the worker; without an id, the refusal of an order.
 * @typedef {{ type: 'answer' } & Answer<RequestName>} AnyAnswer
 * @typedef {{ type: 'error' } & Failure} AnyError
 * @typedef {{ id: number } & (AnyEvent | AnyAnswer | AnyError) | { id?: undefined } & AnyError} Reply
 */
