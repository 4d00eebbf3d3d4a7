// What is there beside JavaScript in runtimes with a disk: Node, Deno, Bun.

/**
 * Decided by the runtime and not by `document` or `location`, which also exist beside a disk: in a worker of
 * Deno, or under jsdom.
 */
export function hasDisk() {
  const { process } = /** @type {{ process?: { versions?: { node?: unknown } } }} */ (globalThis);
  return typeof process?.versions?.node === 'string';
}

/** Whether a string names a file or folder of the disk here, and not an address. @param {string} source */
export const isPath = (source) => hasDisk()
  && !/^(?:[a-z][a-z\d+.-]*:\/\/|(?:https?|data|blob):)/i.test(source);
