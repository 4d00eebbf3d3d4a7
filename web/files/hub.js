// The Hugging Face Hub, where most models lie: what people try first, and the address that works.
import { KvcError } from '../engine/errors.js';

const HUB = 'https://huggingface.co';

/** The path of a page: of a model, or of its files in one revision. */
const PAGE = /^\/([\w.-]+(?:\/[\w.-]+)?)(?:\/(?:tree|blob|raw)\/([^/]+).*)?\/?$/;

/** Refuses the address of a page about a model. @param {URL} url */
export function refuseHubPage({ hostname, pathname, href }) {
  if (!/^(?:www\.)?(?:huggingface\.co|hf\.co)$/.test(hostname)) return;
  const [, name, revision = 'main'] = PAGE.exec(pathname) ?? [];
  if (name === undefined) return;
  throw new KvcError('invalid_argument',
    `${href} is a page about a model, not its files. Load ${HUB}/${name}/resolve/${revision}/.`);
}

/** More to say where nothing was found at a name as the Hub has them. @param {unknown} source */
export function hubAdvice(source) {
  if (typeof source !== 'string' || !/^\w[\w.-]*\/[\w.-]+\/?$/.test(source)) return '';
  return ` A model of the Hugging Face Hub is loaded from ${HUB}/${source.replace(/\/$/, '')}/resolve/main/.`;
}
