// What stands for the view "window" in a build with everything inside, by language.

/** @type {Readonly<Record<string, { title: string, absent: string }>>} */
export const WINDOW_ABSENT = {
  en: {
    title: 'A story that never has to stop',
    absent: 'This is a build in one file, with the first storyteller, whose text ends with its context. The '
      + 'second one, and this figure with it, is only in the builds that have files beside them.',
  },
  de: {
    title: 'Eine Geschichte, die nie aufhören muss',
    absent: 'Das hier ist ein Build in einer einzigen Datei, mit dem ersten Erzählmodell, dessen Text mit '
      + 'seinem Kontext endet. Das zweite und diese Abbildung dazu gibt es nur in den Builds, neben denen '
      + 'Dateien liegen.',
  },
};
