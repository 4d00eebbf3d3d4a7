// Types of what the platform gives. For those who compile without lib "dom", each is the little that is
// needed of it here. Modules import them under the platform's own names.

/**
 * @typedef {typeof globalThis extends { AbortSignal: { prototype: infer T } } ? T : {
 *   readonly aborted: boolean, readonly reason: any,
 *   addEventListener: (type: 'abort', listener: () => void) => void,
 *   removeEventListener: (type: 'abort', listener: () => void) => void,
 * }} AbortSignal
 * @typedef {typeof globalThis extends { URL: { prototype: infer T } } ? T
 *   : { readonly href: string, readonly protocol: string }} URL
 * @typedef {typeof globalThis extends { Blob: { prototype: infer T } } ? T
 *   : { readonly size: number, stream: () => any }} Blob
 * @typedef {typeof globalThis extends { File: { prototype: infer T } } ? T
 *   : Blob & { readonly name: string }} File
 * @typedef {typeof globalThis extends { DataTransfer: { prototype: infer T } } ? T
 *   : { readonly items: ArrayLike<any>, readonly files: ArrayLike<any> }} DataTransfer
 * @typedef {typeof globalThis extends { DataTransferItem: { prototype: infer T } } ? T
 *   : { readonly kind: string, getAsFile: () => any }} DataTransferItem
 * @typedef {typeof globalThis extends { FileSystemEntry: { prototype: infer T } } ? T
 *   : { readonly isFile: boolean, readonly isDirectory: boolean }} FileSystemEntry
 * @typedef {typeof globalThis extends { FileSystemHandle: { prototype: infer T } } ? T
 *   : { readonly kind: 'file' | 'directory', readonly name: string }} FileSystemHandle
 * @typedef {typeof globalThis extends { Response: { prototype: infer T } } ? T
 *   : { readonly ok: boolean, readonly status: number, arrayBuffer: () => Promise<ArrayBuffer> }} Response
 * @typedef {typeof globalThis extends { ReadableStream: { prototype: infer T } } ? T : object} ByteStream
 * @typedef {typeof globalThis extends { WebAssembly: { Module: { prototype: infer T } } } ? T
 *   : object} WasmModule
 * @typedef {typeof globalThis extends { WebAssembly: { Instance: { prototype: infer T } } } ? T
 *   : { readonly exports: object }} WasmInstance
 * @typedef {typeof globalThis extends { WebAssembly: { Memory: { prototype: infer T } } } ? T
 *   : { readonly buffer: ArrayBuffer }} WasmMemory
 * @typedef {typeof globalThis extends { fetch: (url: any, init?: infer T) => any } ? NonNullable<T>
 *   : { headers?: any, credentials?: any, cache?: any, signal?: AbortSignal | null }} RequestInit
 *
 * @typedef {string | URL | ArrayBuffer | ArrayBufferView | Response | WasmModule} WasmSource
 *   a module of the engine: its address, its bytes, or compiled
 */

export {};
