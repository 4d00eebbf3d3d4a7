// Looks after what is kept on the device.
import { keptModels, removeKept } from '../files/kept-models.js';
import { mayKeep } from '../files/kept.js';
import { advised } from './choice.js';
import { failureOf } from './failure.js';

/**
 * @import { Actions } from './view.js'
 *
 * @typedef {Pick<Actions, 'setKept'>} Told
 */

/** @param {Told} told */
export const look = (told) => attempt(told, async () => (
  told.setKept({ able: await mayKeep(), models: await keptModels() })));

/** @param {Told} told  @param {string} [address]  of a model; if absent, all of them go */
export const remove = (told, address) => attempt(told, async () => {
  told.setKept({ removing: true, freed: undefined });
  const freed = await removeKept(address);
  told.setKept({ models: await keptModels(), removing: false, freed });
});

/**
 * One that is kept takes the place of the figure's own.
 * @param {Pick<Actions, 'weigh' | 'useOther'>} actions  @param {string} address
 */
export async function use(actions, address) {
  const { weighed } = await actions.weigh(address) ?? {};
  const weights = weighed && advised(weighed);
  if (weights) await actions.useOther(weights, true);
}

/** @param {Told} told  @param {() => Promise<void>} work */
async function attempt(told, work) {
  told.setKept({ failure: undefined });
  try {
    await work();
  } catch (error) {
    told.setKept({ removing: false, failure: failureOf(error, true) });
  }
}
