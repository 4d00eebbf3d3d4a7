// The request "weigh": what a model is and takes, before it is loaded; the one that is loaded stays.
import { weighModel } from '../../index.js';
import { originsOf } from '../origins.js';

/** @import { Serve } from '../context.js' */

/** @type {Serve<'weigh'>} */
export async function weigh(_context, fields, _emit, signal) {
  const { source, build } = await originsOf(fields);
  return weighModel(source, { ...build, keep: fields.keep, signal });
}
