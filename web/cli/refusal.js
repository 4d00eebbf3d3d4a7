/** What a command cannot do, in a sentence for the terminal; everything else that is thrown is a fault. */
export class Refusal extends Error {
  /** @param {string} message  @param {number} [exitCode]  2: called in a wrong way */
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
