// What ends a command early: Ctrl+C, a signal, a reader that has gone. The work is told and ends by itself,
// so that what was written stays and is counted; whoever asks twice does not wait for that.

/** Exit codes as shells give them to what a signal has ended. */
const CODES = { SIGINT: 130, SIGTERM: 143, SIGPIPE: 141 };

export class Stop {
  #controller = new AbortController();
  /** Of the process, once it was stopped. @type {number | undefined} */
  #exitCode;
  /** Called first; true: the signal was for something smaller than the command. @type {() => boolean} */
  onInterrupt = () => false;

  constructor() {
    process.on('SIGINT', () => this.onInterrupt() || this.#stop('SIGINT'));
    process.on('SIGTERM', () => this.#stop('SIGTERM'));
    for (const stream of [process.stdout, process.stderr]) {
      stream.on('error', (/** @type {{ code?: string }} */ { code }) => {
        if (code === 'EPIPE') return this.#stop('SIGPIPE');
        console.error(`The text cannot be written (${code}).`); // a full disk, for one
        process.exit(1);
      });
    }
  }

  get signal() {
    return this.#controller.signal;
  }

  /** Whether nobody reads any more. */
  get isUnread() {
    return this.#exitCode === CODES.SIGPIPE;
  }

  /** @param {keyof typeof CODES} by */
  #stop(by) {
    const again = this.#exitCode !== undefined && by !== 'SIGPIPE';
    process.exitCode = this.#exitCode ??= CODES[by];
    this.#controller.abort();
    if (again) process.exit();
  }
}
