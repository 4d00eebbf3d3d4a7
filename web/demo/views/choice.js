/// <reference path="../css.d.ts" />
// Another model in place of the figure's own: its files or its address, what it would take, and the way back.
import { advised, hasRoom } from '../choice.js';
import { button, element, note, say, uniqueId } from '../parts/dom.js';
import { failurePlace } from '../parts/failure.js';
import { goOnChoice } from '../parts/go-on.js';
import { keptList } from '../parts/kept-list.js';
import { shippedChoice } from '../parts/shipped-choice.js';
import { folderAt } from '../../files/kept-models.js';
import { statusWords } from '../words.js';
import { CHOICE } from '../words/choice.js';
import styles from './choice.css' with { type: 'text' };

/**
 * @import { Weighed } from '../../session/weigh.js'
 * @import { Weights } from '../../worker/messages.js'
 * @import { Choice } from '../choice.js'
 * @import { Kept } from '../kept.js'
 * @import { Context, View } from '../view.js'
 *
 * @typedef {(typeof CHOICE)[string]} Words
 */

/** @type {readonly Weights[]} */
const KINDS = ['f32', 'int8'];

/** @type {View} */
export const choice = {
  name: 'choice',
  styles,
  mount(root, context) {
    const { actions, signal, share, words } = context;
    const said = CHOICE[words.lang];
    const inUse = element('p');
    const back = button({ part: 'model-back' });
    const ignored = element('p', { class: 'note', part: 'model-ignored' });
    const links = note('');
    const notKept = element('p', { role: 'status', part: 'model-not-kept' });
    const now = element('div', { class: 'card', part: 'model-now', hidden: true },
      inUse, ignored, notKept, links, element('p', {}, back));
    const doing = element('p', { role: 'status', part: 'model-state', tabindex: -1 });
    const place = failurePlace(words);
    const error = element('div', { class: 'error', part: 'model-error', role: 'alert', hidden: true },
      element('p', {}, element('strong', {}, said.refused), ' ', place.node));
    const card = cardOf(said, context, doing);
    const kept = keptList(said, context);
    const ours = shippedChoice(said, context);
    const goOn = goOnChoice(said, context);
    const means = element('p', { class: 'note' }, said.means);
    root.append(element('div', { class: 'choice' }, ours.node, goOn.node, now, means,
      filesOf(said, context), addressOf(said, context), doing, error, card.node, kept.node));
    back.addEventListener('click', () => {
      doing.focus(); // the button is about to disappear
      actions.useOwn();
    }, { signal });
    return (state) => {
      const { choice: chosen, other } = state;
      const { reason } = state.kept;
      ours.show(state);
      goOn.show(state);
      now.hidden = !other;
      say(back, said.back(share.own));
      say(links, said.links(share.own));
      say(inUse, !other ? '' : state.model ? said.inUse(other.name) : statusWords(words, state));
      say(doing, chosen.stage === 'weighing' ? said.weighing : '');
      error.hidden = !chosen.failure;
      place.show(chosen.failure);
      const asked = state.model?.ignored;
      say(ignored, asked ? said.ignored(asked.join(', ')) : '');
      say(notKept, reason && state.model ? said.notKept[reason] : '');
      card.show(other?.weighed === chosen.weighed ? undefined : chosen, state.kept);
      kept.show(state);
    };
  },
};

/** @param {Words} words  @param {Context} context */
function filesOf(words, { actions, signal }) {
  /** @param {string} part  @param {string} label  @param {boolean} isFolder */
  const pick = (part, label, isFolder) => {
    const input = element('input', {
      type: 'file', part: `${part}-input`, multiple: true, webkitdirectory: isFolder, tabindex: -1,
      'aria-label': label });
    const open = button({ part }, label);
    open.addEventListener('click', () => input.click(), { signal });
    input.addEventListener('change', () => {
      if (input.files?.length) actions.weigh([...input.files]);
      input.value = ''; // the same ones can be chosen again
    }, { signal });
    return [open, input];
  };
  return element('p', { class: 'actions' },
    ...pick('model-files', words.files, false), ...pick('model-folder', words.folder, true));
}

/** @param {Words} words  @param {Context} context */
function addressOf(words, { actions, signal }) {
  const id = uniqueId('address');
  const field = element('input', {
    id, part: 'model-address', type: 'url', inputmode: 'url', autocomplete: 'off', spellcheck: 'false',
    placeholder: words.example, dir: 'ltr', 'aria-describedby': `${id}-means`,
  });
  const look = button({ part: 'model-look' }, words.look);
  const go = () => {
    if (field.value.trim()) actions.weigh(field.value);
    else field.focus();
  };
  look.addEventListener('click', go, { signal });
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') go();
  }, { signal });
  return element('div', { class: 'address' }, element('label', { for: id }, words.address),
    element('div', { class: 'entry' }, field, look),
    Object.assign(note(words.addressMeans), { id: `${id}-means` }));
}

/**
 * What was looked at, and how to have it.
 * @param {Words} words  @param {Context} context  @param {HTMLElement} doing  what is being done
 */
function cardOf(words, { actions, signal, words: dictionary }, doing) {
  const { size } = dictionary.format;
  const name = element('h3', { part: 'model-name' });
  const sizes = element('p', { part: 'model-sizes' });
  const none = element('p', { class: 'problem' });
  const group = uniqueId('weights');
  const radios = KINDS.map((kind) => {
    const input = element('input', { type: 'radio', name: group, value: kind, part: `model-${kind}` });
    const label = element('span');
    return { kind, input, label, node: element('label', {}, input, label) };
  });
  const kinds = element('fieldset', {}, element('legend', {}, words.weights),
    ...radios.map((radio) => radio.node));
  const keep = keepOf(words, dictionary);
  const use = button({ class: 'go', part: 'model-use' });
  const node = element('div', {
    class: 'card', part: 'model-card', role: 'group', 'aria-label': words.group, hidden: true,
  }, name, sizes, kinds, keep.node, none, element('p', {}, use));
  use.addEventListener('click', () => {
    const chosen = radios.find(({ input }) => input.checked);
    if (!chosen) return;
    doing.focus(); // the button is about to disappear
    actions.useOther(chosen.kind, keep.isAsked());
  }, { signal });
  /** @param {Choice} chosen  @param {Weighed} weighed */
  const begin = ({ name: called = '' }, weighed) => {
    const best = advised(weighed);
    say(name, called);
    const perToken = size(weighed.tokenBytes.f32);
    say(sizes, `${sizesOf(words, weighed)} ${words.perToken(perToken)}`);
    for (const { kind, input, label } of radios) {
      const bytes = weighed.weightBytes[kind];
      const fits = hasRoom(weighed, kind);
      const taken = words.kinds[kind](bytes === Infinity ? words.huge : size(bytes));
      say(label, fits ? taken : `${taken} (${words.tooLarge(size(weighed.memoryBytes))})`);
      input.disabled = !fits;
      input.checked = kind === best;
    }
    say(none, best ? '' : words.none);
    use.hidden = !best;
  };
  /** @type {Weighed | undefined} */
  let shown;
  /** @param {Choice | undefined} chosen  @param {Kept} kept */
  const show = (chosen, kept) => {
    const { weighed } = chosen ?? {};
    node.hidden = !weighed;
    if (!chosen || !weighed) return;
    if (weighed !== shown) begin(chosen, weighed);
    keep.show(chosen, kept, weighed !== shown);
    shown = weighed;
    say(use, words.use(chosen.name ?? '', chosen.address && !keep.isThere() ? weighed.fileBytes : 0));
  };
  return { node, show };
}

/**
 * Whether its files are to stay on the device: of those that are fetched.
 * @param {Words} words  @param {Context['words']} dictionary
 */
function keepOf(words, { format: { size, day } }) {
  const id = uniqueId('keep');
  const input = element('input', { type: 'checkbox', part: 'model-keep', 'aria-describedby': id });
  const means = Object.assign(note(''), { id });
  const node = element('div', { class: 'keep' }, element('label', {}, input, words.keep), means);
  let isThere = false;
  /** @param {Choice} chosen  @param {Kept} kept  @param {boolean} isNew  chosen just now */
  const show = ({ address, weighed }, { able = true, models = [] }, isNew) => {
    const at = address && folderAt(address);
    const there = models.find((model) => model.address === at);
    if (isNew || isThere !== (there !== undefined)) input.checked = there !== undefined;
    isThere = there !== undefined;
    input.disabled = !able;
    node.hidden = !address || !weighed || !advised(weighed);
    say(means, !able ? words.cannotKeep : there ? words.kept(day(there.date.toISOString()))
      : words.keepMeans(size(weighed?.fileBytes ?? 0)));
  };
  return { node, show, isAsked: () => !node.hidden && input.checked, isThere: () => isThere };
}

/** @param {Words} words  @param {Weighed} weighed */
function sizesOf(words, { config, weightBytes }) {
  const { modelType: kind, nLayer: layers, nHead: heads, nKvHead: shared, headDim: numbers } = config;
  const { vocabSize: vocabulary, nPositions: positions, window } = config;
  const parameters = weightBytes.f32 / 4;
  const sizes = words.sizes({ kind, parameters, layers, heads, shared, numbers, vocabulary, positions });
  return window ? `${sizes} ${words.windows(window.layers.length, window.size)}` : sizes;
}
