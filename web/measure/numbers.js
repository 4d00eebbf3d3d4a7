// Numbers and days for people to read.

/**
 * @typedef {object} Numbers
 * @property {(value: number, error?: number) => string} measured  as many digits as the measurement tells,
 *   three at most; error: how far it may be off, as a share of it: 0.05 leaves two digits
 * @property {(value: number) => string} counted
 * @property {(value: number) => string} plain    all its digits, as they are typed into a field
 * @property {(bytes: number, digits?: number) => string} megabytes  digits after the point; if not given,
 *   1, and little is told in KB
 * @property {(share: number) => string} share    of 1, in percent: two digits, and none of next to nothing;
 *   1 alone is all
 * @property {(bytes: number) => string} size     in the unit that fits, with three digits at most
 * @property {(date: string) => string} day       of an ISO date, as 25 Nov 2026
 */

const LITTLE = 1e5; // bytes
const LEAST_SHARE = 1e-4; // from which a share is told
const MOST_SHARE = 0.99;  // that is told, but for 1 itself
const ROUNDING = 1e-6;    // by which a sum of shares can miss 1
const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

/** @param {string} language  a language tag  @returns {Numbers} */
export function numbersIn(language) {
  const percents = new Intl.NumberFormat(language, { style: 'percent', maximumSignificantDigits: 2 });
  const formats = [1, 2, 3].map((maximumSignificantDigits) => (
    new Intl.NumberFormat(language, { maximumSignificantDigits })));
  const whole = new Intl.NumberFormat(language);
  const days = new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, {
    dateStyle: 'medium', timeZone: 'UTC',
  });
  const typed = new Intl.NumberFormat(language, { useGrouping: false, maximumFractionDigits: 20 });
  return {
    measured(value, error = 0) {
      const digits = Math.min(3, Math.max(1, 1 - Math.ceil(Math.log10(error))));
      return formats[digits - 1].format(value);
    },
    counted: (value) => whole.format(value),
    plain: (value) => typed.format(value),
    share(share) {
      if (share > 0 && share < LEAST_SHARE) return `<${percents.format(LEAST_SHARE)}`;
      const isNearly = share >= (MOST_SHARE + 1) / 2 && share < 1 - ROUNDING;
      return isNearly ? `>${percents.format(MOST_SHARE)}` : percents.format(share);
    },
    size(bytes) {
      const power = Math.min(4, Math.max(0, Math.floor(Math.log10(bytes) / 3)));
      return `${formats[2].format(bytes / 1000 ** power)} ${UNITS[power]}`;
    },
    day: (date) => days.format(new Date(date)),
    megabytes(bytes, digits) {
      if (digits === undefined && bytes > 0 && bytes < LITTLE) {
        return `${whole.format(Math.ceil(bytes / 1000))} KB`;
      }
      const fixed = { minimumFractionDigits: digits ?? 1, maximumFractionDigits: digits ?? 1 };
      return `${new Intl.NumberFormat(language, fixed).format(bytes / 1e6)} MB`;
    },
  };
}

export const { measured, counted, megabytes } = numbersIn('en');
