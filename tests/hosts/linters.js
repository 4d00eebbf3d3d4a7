// What package.json says, held against what is there.
export const linters = [
  {
    name: 'publint',
    packages: ['publint@0.3.25'],
    async run(place) {
      await place.install();
      await place.works('clean', () => place.exec('publint', [place.tarball, '--strict']));
    },
  },
  {
    name: 'attw',
    packages: ['@arethetypeswrong/cli@0.18.5'],
    async run(place) {
      await place.install();
      const untyped = ['inline', 'kvc.wasm', 'kvc-relaxed.wasm', 'kvc-scalar.wasm'];
      const args = ['--profile', 'esm-only', '--exclude-entrypoints', ...untyped];
      await place.works('clean', () => place.exec('attw', [place.tarball, ...args]));
    },
  },
];
