// Numbers for people to read.

const threeDigits = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const whole = new Intl.NumberFormat('en');

/** Three digits, which is all a measurement can tell. @param {number} value */
export const measured = (value) => threeDigits.format(value);
/** @param {number} value */
export const counted = (value) => whole.format(value);
/** @param {number} bytes  @param {number} [digits] */
export const megabytes = (bytes, digits = 1) => `${(bytes / 1e6).toFixed(digits)} MB`;
