// Numbers for people to read.

const formats = [1, 2, 3].map((digits) => new Intl.NumberFormat('en', { maximumSignificantDigits: digits }));
const whole = new Intl.NumberFormat('en');

/**
 * As many digits as the measurement tells, three at most.
 * @param {number} value
 * @param {number} [error]  how far it may be off, as a share of it: 0.05 leaves two digits
 */
export function measured(value, error = 0) {
  const digits = Math.min(3, Math.max(1, 1 - Math.ceil(Math.log10(error))));
  return formats[digits - 1].format(value);
}
/** @param {number} value */
export const counted = (value) => whole.format(value);
/** @param {number} bytes  @param {number} [digits] */
export const megabytes = (bytes, digits = 1) => `${(bytes / 1e6).toFixed(digits)} MB`;
