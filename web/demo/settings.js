// The settings that an author gives a figure, and those that a figure has, as they travel in an address.
import { attributeOf, namesIn, textOf, valueOf } from './attributes.js';
import { LINKED } from './link.js';
import { FIELDS } from './sampling.js';
import { shippedFor } from './shipped.js';

/**
 * @import { Properties, Value } from './attributes.js'
 * @import { Linked } from './link.js'
 * @import { Player } from './player.js'
 * @import { State } from './state.js'
 */

const USUAL = attributeOf('views').preset;

/** What the attributes of an element say. @param {Properties} host  @returns {Linked} */
export const settingsOf = (host) => /** @type {Linked} */ (Object.fromEntries(
  LINKED.map(({ property }) => [property, host[property]])));

/**
 * Options as a script gives them, each checked as if it were an attribute.
 * @param {Partial<Linked>} options
 * @returns {Partial<Linked>}
 */
export function checked(options) {
  /** @type {Record<string, Value>} */
  const settings = {};
  for (const { property } of LINKED) {
    const value = options[/** @type {keyof Linked} */ (property)];
    if (value === undefined) continue;
    const attribute = attributeOf(property);
    settings[property] = valueOf(attribute, textOf(attribute, value));
  }
  return settings;
}

/**
 * What of a figure's state travels: what is not as the model suggests it.
 * @param {State} state
 * @param {string} views  that are shown
 * @returns {Partial<Linked>}
 */
export function settingsIn(state, views) {
  const { prompt, sampling: { values, presets }, useCache, pace, lesson, race, shipped, whenFull } = state;
  const cache = useCache ? 'on' : 'off';
  const chosen = FIELDS.filter(({ key }) => (
    key === 'seed' || (values[key] !== presets[key] && !Number.isNaN(values[key]))));
  return {
    prompt, cache: race ? 'race' : cache, pace, ...(shipped && { model: shipped }),
    ...(whenFull === 'slide' && { whenFull }),
    ...(views !== USUAL && { views }),
    ...(namesIn(views).includes('tour') && { lesson }),
    ...(namesIn(views).includes('sounds') && state.sounding),
    ...(namesIn(views).includes('window') && state.sliding),
    ...Object.fromEntries(chosen.map(({ key }) => [key, values[key]])),
  };
}

/** @param {Player} player  @param {Partial<Linked>} settings */
export function applySettings(player, settings) {
  const { prompt, cache, pace, lesson, model, whenFull, word, caches, places, sinks } = settings;
  if (model !== undefined) player.useShipped(shippedFor(model));
  if (whenFull !== undefined) player.setWhenFull(whenFull);
  if (prompt !== undefined && prompt !== player.state.prompt) player.setPrompt(prompt);
  for (const { key } of FIELDS) {
    const value = settings[key];
    if (value === undefined) continue;
    const { presets, capacity } = player.state.sampling;
    const most = key === 'maxTokens' ? capacity : Infinity;
    player.setSampling(key, value === null ? presets[key] : Math.min(value, most));
  }
  if (cache !== undefined && (cache === 'on') !== player.state.useCache) player.setCache(cache === 'on');
  if (pace !== undefined && pace !== player.state.pace) player.setPace(pace);
  if (lesson !== undefined && lesson !== player.state.lesson) player.setLesson(lesson);
  const { sounding, sliding } = player.state;
  if (word !== undefined && word !== sounding.word) player.setSounding({ word });
  if (caches !== undefined && caches !== sounding.caches) player.setSounding({ caches });
  if (places !== undefined && places !== sliding.places) player.setSliding({ places });
  if (sinks !== undefined && sinks !== sliding.sinks) player.setSliding({ sinks });
}
