// Was gesagt wird, wo ein anderes Modell gewählt wird, auf Deutsch.
import { numbersIn } from '../../measure/numbers.js';

/** @import { choice as en } from './en-choice.js' */

const { counted, measured, megabytes } = numbersIn('de');

/** @param {number} count */
const millions = (count) => (
  count < 1e6 ? counted(Math.round(count)) : `${measured(count / 1e6)} Millionen`);

/** @type {typeof en} */
export const choice = {
  shipped: 'Eins unserer beiden Erzählmodelle',
  each: {
    stories: 'stories, ein GPT‑2: Eine Tabelle sagt, wo jedes Token steht',
    tales: 'tales, ein Llama: Stattdessen werden Keys und Queries gedreht, und je drei Köpfe teilen sich K '
      + 'und V',
  },
  downloads: (bytes) => `lädt ${megabytes(bytes)}`,
  absent: 'In diesem Build aus einer Datei ist nur das erste. Das zweite gibt es in denen, neben denen '
    + 'Dateien liegen.',
  goOn: {
    label: 'Über den Kontext hinaus weiterschreiben',
    help: 'Ist der Cache voll, geht seine älteste Seite mit 16 Tokens, nur die erste nie: Die Geschichte '
      + 'geht weiter, und der Speicher bleibt gleich. Was bleibt, wurde berechnet, als noch alles zu sehen '
      + 'war; das ist also nicht dasselbe, wie den Rest neu zu lesen.',
    cannot: 'Dieses Modell hat eine Zahl für jede seiner Positionen und keine für das, was danach kommt: '
      + 'Es muss dort aufhören. Modelle, die Keys und Queries nach ihren Positionen drehen, wie tales, '
      + 'können weiterschreiben.',
  },
  means: 'Ein kleines Sprachmodell von dir, etwa SmolLM2‑135M, Qwen3‑0.6B oder TinyStories‑33M: seine '
    + 'config.json, tokenizer.json und model.safetensors. Zieh sie oder ihren Ordner irgendwo auf diese '
    + 'Abbildung, oder wähle sie aus. Sie werden auf deinem Gerät gelesen und verlassen es nicht.',
  files: 'Dateien wählen',
  folder: 'Ordner wählen',
  address: 'Oder die Adresse eines Ordners mit diesen Dateien',
  example: 'https://huggingface.co/HuggingFaceTB/SmolLM2-135M/resolve/main/',
  addressMeans: 'Dein Browser holt sie von dort.',
  look: 'Ansehen',
  weighing: 'Seine Größe wird gelesen.',
  refused: 'Dieses Modell geht nicht.',
  group: 'Das gewählte Modell',
  sizes: ({ kind, parameters, layers, heads, shared, numbers, vocabulary, positions }) => (
    `${kind}, ${millions(parameters)} Parameter: ${counted(layers)} Schichten, ${counted(heads)} Köpfe mit `
      + `${counted(numbers)} Zahlen`
      + `${shared < heads ? `, die sich ${counted(shared)} für K und V teilen` : ''}, ein Vokabular von `
      + `${counted(vocabulary)} Tokens, Texte bis ${counted(positions)} Tokens.`),
  windows: (layers, seen) => (
    `In ${layers === 1 ? '1 Schicht' : `${counted(layers)} Schichten`} sieht ein Token nur die neuesten `
      + `${counted(seen)}, durch ein Fenster.`),
  perToken: (size) => `Jedes Token braucht ${size} im Cache.`,
  weights: 'Gewichte speichern mit',
  kinds: {
    f32: (size) => `32 Bit, genau: ${size} Speicher`,
    int8: (size) => `8 Bit, etwas ungenauer: ${size} Speicher`,
  },
  huge: 'mehr als 4 GB',
  tooLarge: (size) => `zu viel: Eine Seite darf ${size} belegen`,
  none: 'Es ist so oder so zu groß für eine Seite. Nimm ein kleineres.',
  use: (name, bytes) => `${name} nehmen${bytes > 0 ? ` (lädt ${megabytes(bytes)})` : ''}`,
  keep: 'Auf diesem Gerät behalten',
  keepMeans: (size) => (
    `Dann lädt es ohne Download und ohne Netz. Es belegt ${size} von dem, was dein Browser für diese `
      + 'Seite speichert.'),
  kept: (day) => `Es liegt seit dem ${day} auf diesem Gerät: Nichts wird heruntergeladen.`,
  cannotKeep: 'Dein Browser speichert für diese Seite nichts: etwa in einem privaten Fenster, in einem '
    + 'Rahmen ohne Rechte oder an einer Adresse ohne https.',
  notKept: {
    unavailable: 'Es bleibt nicht hier: Dein Browser speichert für diese Seite nichts.',
    quota: 'Es bleibt nicht hier: Dein Browser gibt dieser Seite keinen Platz mehr. Entferne ein anderes '
      + 'Modell oder schaffe Platz.',
    failed: 'Es bleibt nicht hier: Dein Browser konnte es nicht speichern.',
  },
  here: 'Auf diesem Gerät',
  inAll: (models, size) => `${counted(models)} Modelle, ${size}`,
  since: (size, day) => `${size}, seit dem ${day}`,
  load: 'Laden',
  loadIt: (name) => `${name} laden`,
  remove: 'Entfernen',
  removeIt: (name) => `${name} entfernen`,
  removeAll: (size) => `Alle entfernen (${size})`,
  removing: 'Wird entfernt.',
  removed: (size) => `Entfernt: ${size} auf diesem Gerät sind wieder frei.`,
  mayGo: 'Dein Browser kann sie löschen, wenn der Platz auf dem Gerät knapp wird.',
  inUse: (name) => `Die Abbildung hat jetzt ${name}.`,
  ignored: (settings) => `Seine generation_config.json verlangt mehr, als hier geschieht: ${settings}.`,
  links: (name) => `Kopierte Links und Tags führen zu ${name}.`,
  back: (name) => `Zurück zu ${name}`,
};
