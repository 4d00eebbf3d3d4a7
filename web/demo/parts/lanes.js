// A race in the place of the story: what each lane has written, how much and in how long.
import { element, put, say } from './dom.js';
import { StoryText, follower } from './story-text.js';
import { MODES } from '../curves.js';
import { goalOf } from '../race.js';
import { readsSource } from '../recorded.js';
import { languageOf } from '../state.js';

/**
 * @import { Mode } from '../curves.js'
 * @import { State } from '../state.js'
 * @import { Dictionary } from '../words/en.js'
 */

/**
 * @param {Dictionary} words  @param {AbortSignal} signal
 * @param {boolean} [waits]  it is there before a race, too, with the prompt in both lanes
 */
export function lanesPlace(words, signal, waits = false) {
  const lanes = MODES.map((mode) => lane(mode, words, signal));
  const attributes = { class: 'lanes', role: 'group', 'aria-label': words.race.group, hidden: true };
  const node = element('div', attributes, ...lanes.map((each) => each.node));
  return {
    node,
    /** Returns whether it is there. @param {State} state */
    show(state) {
      node.hidden = !state.race?.lanes && !waits;
      if (!node.hidden) for (const { show } of lanes) show(state);
      return !node.hidden;
    },
  };
}

/** @param {Mode} mode  @param {Dictionary} words  @param {AbortSignal} signal */
function lane(mode, words, signal) {
  const { race: said, cache } = words;
  const attributes = { class: 'story', part: `lane-${mode}`, dir: 'auto', translate: 'no' };
  const text = element('p', attributes);
  const box = element('div', {
    class: 'lane-box', role: 'group', 'aria-label': said.progress[mode], tabindex: 0 }, text);
  const numbers = element('span', { part: `lane-numbers-${mode}` });
  const progress = element('progress', { class: mode, 'aria-label': said.progress[mode], max: 1 });
  const name = element('strong', { class: mode }, cache[mode]);
  const node = element('div', { class: 'lane' },
    element('p', { class: 'lane-head' }, name, ' ', numbers), progress, box);
  const story = new StoryText(box, text, words, signal);
  const follow = follower(story);
  /** That stands there alone. @type {string | undefined} */
  let prompt;
  /** @param {State} state */
  const wait = (state) => {
    if (prompt !== state.prompt) story.begin(state.prompt, readsSource(state));
    ({ prompt } = state);
    progress.value = 0;
    say(numbers, '');
  };
  /** @param {State} state */
  const show = (state) => {
    const { lanes, ms: now = 0 } = state.race ?? {};
    if (!lanes) return wait(state);
    const { run, ms } = lanes[mode];
    const { length } = run.tokens;
    prompt = undefined;
    follow(run, readsSource(state));
    put(text, 'lang', languageOf(state));
    put(text, 'aria-busy', String(ms === undefined)); // it is not final yet
    progress.value = ms === undefined ? length / goalOf(state, run) : 1;
    say(numbers, ms === undefined ? said.lane(length, now) : said.ended(length, ms));
  };
  return { node, show };
}
