// A Cache API as far as keeping needs it. The bodies lie in `store`, a Map or what does as well.
export class FakeCaches {
  /** Called before each entry is written: (url, how many before it). */
  onPut = (_url, _count) => {};
  puts = 0;

  constructor(store = new Map()) {
    this.store = store;
  }

  async open() {
    return this;
  }

  async has() {
    return this.store.size > 0;
  }

  async delete(name) {
    if (name.startsWith('https:')) return this.store.delete(name);
    this.store.clear();
    return true;
  }

  async keys() {
    return [...this.store.keys()].map((url) => ({ url }));
  }

  async match(url) {
    const bytes = await this.store.get(url);
    return bytes && new Response(bytes);
  }

  async put(url, response) {
    const bytes = Buffer.from(await response.arrayBuffer());
    await this.onPut(url, this.puts++);
    await this.store.set(url, bytes);
  }
}

/** Puts it in place of the global one, for one test. */
export function withCaches(t, caches) {
  const real = Object.getOwnPropertyDescriptor(globalThis, 'caches');
  Object.defineProperty(globalThis, 'caches', { value: caches, configurable: true });
  t.after(() => {
    delete globalThis.caches;
    if (real) Object.defineProperty(globalThis, 'caches', real);
  });
  return caches;
}
