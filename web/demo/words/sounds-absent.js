// What stands for the view of sounds in a build with everything inside, by language.

/** @type {Readonly<Record<string, { title: string, absent: string }>>} */
export const SOUNDS_ABSENT = {
  en: {
    title: 'From letters to sounds',
    absent: 'This is a build in one file, with the model that tells stories. The model that pronounces '
      + 'words, and this figure with it, is only in the builds that have files beside them.',
  },
  de: {
    title: 'Von Buchstaben zu Lauten',
    absent: 'Das hier ist ein Build in einer einzigen Datei, mit dem Modell, das Geschichten erzählt. Das '
      + 'Modell, das Wörter ausspricht, und diese Abbildung dazu gibt es nur in den Builds, neben denen '
      + 'Dateien liegen.',
  },
};
