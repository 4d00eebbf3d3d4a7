// npx kvcache-wasm serve: the demo page of this package, on this machine.
import { access } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Refusal } from '../refusal.js';
import { serve } from '../server.js';

/** @import { AddressInfo } from 'node:net' */

const SITE = new URL('../../../dist/', import.meta.url);
const PORT = '8080';

export const help = `npx kvcache-wasm [serve]
    Serves the demo page on http://localhost:${PORT}, to this machine alone.
    PORT=3000 in the environment chooses another port, PORT=0 a free one.`;

/** @param {string[]} args */
export async function run(args) {
  if (args.length > 0) throw new Refusal(`serve takes no "${args[0]}". --help says what there is.`, 2);
  await access(new URL('index.html', SITE)).catch(() => {
    throw new Refusal(`There is no page in ${fileURLToPath(SITE)}: build it first, with ./build.sh site.`);
  });
  const server = await listen(portOf(process.env.PORT || PORT));
  const { port } = /** @type {AddressInfo} */ (server.address());
  console.log(`\n  Ready: http://localhost:${port}/   (Ctrl+C stops it)\n`);
}

/** @param {string} text */
function portOf(text) {
  const port = Number(text);
  if (/^\d+$/.test(text) && port < 65536) return port;
  throw new Refusal(`PORT is "${text}", which is no port: give a number from 0 to 65535.`, 2);
}

/** @param {number} port */
async function listen(port) {
  try {
    return await serve(fileURLToPath(SITE), port);
  } catch (error) {
    const { code } = /** @type {{ code?: string }} */ (error);
    if (code === 'EADDRINUSE') {
      const other = port < 65535 ? port + 1 : port - 1;
      throw new Refusal(`Port ${port} is taken. Set PORT to another one: ${other}, or 0 for a free one.`);
    }
    if (code === 'EACCES') throw new Refusal(`Port ${port} needs more rights. Choose one above 1023.`);
    throw error;
  }
}
