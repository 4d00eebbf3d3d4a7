// The request "benchmark" as types: what is measured, and what is told of it.

/**
 * @import { CacheType } from '../cache/types.js'
 * @import { ErrorCode } from '../engine/errors.js'
 * @import { Figures, Plan } from '../measure/measure.js'
 * @import { Caches } from '../measure/narrow.js'
 * @import { Weights } from './messages.js'
 *
 * @typedef {Figures & { weights: Weights }} Row
 * @typedef {Plan & { contexts: number[] }} BenchmarkJob
 * @typedef {{ weights: Weights, context: number, types?: readonly CacheType[] }} Step  types: those of caches
 *
 * @typedef {object} BenchmarkRequest
 * @property {BenchmarkJob} fields
 * @property {{
 *   planned: { contexts: number[] },
 *   measuring: Step & { done: number, total: number },
 *   measured: { row: Row },
 *   caches: { weights: Weights } & Caches,
 *   loading: { weights: Weights },
 *   left_out: { weights: Weights, code: ErrorCode, message: string },
 * }} events
 * @property {{ reason: 'finished' | 'stopped' }} answer
 */

export {};
