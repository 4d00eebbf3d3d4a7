// An early word changes the K and V of every later token. Whoever keeps the old ones gets an old answer.
import { BEFORE, changed, mistakeOf } from '../edit.js';
import { missed, passed } from './lesson.js';

/** @import { Lesson } from './lesson.js' */

const AFTER = changed('middle');

/** @type {Lesson} */
export const early = {
  name: 'early',
  right: 2,
  runs: [{ before: BEFORE, after: AFTER }],
  views: ['edit'],
  see({ state: { edit: { outcome } } }) {
    if (!outcome?.kept) return undefined;
    const { after, rest, kept } = outcome;
    const wrong = mistakeOf(outcome)?.firstWrong ?? -1;
    return [after.length, after.length - rest.reused, kept.count, wrong + 1];
  },
  check({ state: { edit: { draft, outcome } } }) {
    const isOwn = draft?.before === BEFORE && draft.after === AFTER; // the lesson's
    if (!outcome || isOwn) return undefined;
    const mistake = mistakeOf(outcome);
    if (!mistake) return missed('untried');
    const { firstWrong, fromOld } = mistake;
    if (firstWrong === undefined) return missed('lucky', outcome.distance ?? 0);
    return passed(firstWrong + 1, fromOld);
  },
};
