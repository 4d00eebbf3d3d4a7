// Was das Labor sagt, auf Deutsch.
import { numbersIn } from '../../measure/numbers.js';

/** @import { lab as english } from './en-lab.js' */

const { counted, size } = numbersIn('de');

/** @type {typeof english} */
export const lab = {
  title: 'Kaputt machen',
  means: 'Echte Fehler aus KV-Caches, jeder eingebaut in die Engine, die hier schreibt: Die richtige und die '
    + 'kaputte bekommen denselben Prompt, denselben Startwert und dieselben Einstellungen.',
  choose: 'Der Fehler',
  go: 'Kaputt machen',
  again: 'Noch einmal',
  stop: 'Anhalten',
  downloads: (bytes) => size(bytes),
  blocked: 'Gerade wird etwas anderes gerechnet: anhalten oder warten, bis es fertig ist.',
  unfit: 'Dieser Fehler betrifft eine Tabelle gelernter Positionen. Das gewählte Modell hat keine: Es dreht '
    + 'seine Queries und Keys nach ihren Positionen.',
  encoder: 'Das gewählte Modell liest eine Quelle mit einem Encoder; diese Fehler zeigen sich an Modellen, '
    + 'die einen Prompt fortsetzen.',
  loading: 'Die Engine mit den Fehlern wird geladen.',
  writing: 'Beide Engines schreiben.',
  stopped: 'Angehalten.',
  failed: 'Das hat nicht geklappt.',
  empty: 'Einen Fehler wählen und den Knopf drücken.',

  threads: 'Öffentlich besprochen:',
  line: 'Die Zeile, richtig und falsch',
  tests: 'Hier gefunden von',
  showing: 'So kommt er heraus:',

  right: 'richtig',
  wrong: 'mit dem Fehler',
  firstWrong: 'erstes falsches Token',
  missing: 'mehr kam nicht',
  crashed: (code) => `Die Engine gab auf: ${code}.`,
  different: 'Nicht dieselben Zahlen',
  differentRest: (position) => `, von Token ${counted(position)} des Textes an.`,
  same: 'Dieselben Zahlen',
  sameRest: ' bis zum Schluss: Mit diesem Prompt und diesen Einstellungen zeigt sich der Fehler nicht.',
  none: 'keine Logits',
  axis: 'Position im Text',
  scale: 'Größter Unterschied zweier Logits, wenn beide die richtige Geschichte lesen',
  zero: '0',
  noLogits: (position) => (
    `Mit dem Fehler fehlen die Logits für Token ${counted(position)}, und mehr lässt sich nicht schreiben.`),
  said: (position, token, steps) => {
    const numbers = `Die Logits von Token ${counted(position)} sind die ersten, die abweichen`;
    if (token === undefined) return `${numbers}; die ${counted(steps)} Tokens sind noch dieselben.`;
    if (token === position) return `${numbers}, und schon das Token ist ein anderes.`;
    return `${numbers}; das erste andere Token ist Nummer ${counted(token)}.`;
  },
  table: {
    caption: 'Beide Geschichten, Token für Token, und der größte Unterschied zweier Logits',
    position: 'Position', right: 'Richtig', wrong: 'Mit dem Fehler', difference: 'Unterschied',
  },

  scenarios: {
    plain: 'Es wird nur der Prompt gelesen und weitergeschrieben.',
    chunks: 'Der Prompt wird in zwei Teilen gelesen.',
    rewind: 'Zwanzig Tokens werden hinter den Prompt geschrieben und zurückgenommen, bevor die Geschichte '
      + 'beginnt.',
    again: 'Etwas wird geschrieben, und dann kommt derselbe Prompt noch einmal.',
    edit: 'Der Cache enthält einen Prompt über Söhne und Hans, aus dem dann Töchter und Rose werden.',
    beams: 'Zwei Texte tauschen die Plätze, in einem Cache mit 16-Bit-Zahlen, wie Beams es tun.',
    fork: 'Zwei Texte gehen von einem Anfang aus weiter.',
    batch: 'Zwei Geschichten werden in einem Stapel geschrieben; gezeigt wird die erste.',
    slide: 'Nach zwanzig Tokens ist der Cache voll, und die ältere Hälfte muss weg. Die richtige Engine '
      + 'weigert sich, gelernte Positionen zu verschieben; so wird die neuere Hälfte noch einmal gelesen.',
  },

  bugs: {
    B1: {
      name: 'Immer Position 0',
      how: 'Mit Cache bekommt das Modell ein Token nach dem anderen, und wer das, was er bekommt, ab 0 '
        + 'zählt, sagt jedem neuen Token, es sei das erste. Die Wörter kommen, aber ihre Reihenfolge geht '
        + 'verloren. open_lm brauchte dafür einen eigenen Versatz, als es seinen Cache bekam.',
    },
    B3: {
      name: 'Der Anfang wird nicht gespeichert',
      how: 'Rechnen und Speichern sind zwei Schritte, und für den Anfang des Textes fehlt der zweite. Jedes '
        + 'spätere Token blickt auf leere Plätze, wo der Prompt sein sollte. In TrenTorch standen im Platz '
        + 'des ersten Tokens lauter Nullen, und die Tests dort konnten gar nicht scheitern.',
    },
    B4: {
      name: 'Ein Token, das sich selbst nicht sieht',
      how: 'Ein Token blickt auf alle vor ihm und auf sich selbst; wird der Cache gelesen, bevor das neue '
        + 'Token als gespeichert gilt, fehlen ihm sein eigenes K und V. Der Text bleibt flüssig und ist '
        + 'ein anderer. TinyTorch, aus dem Harvard-Buch über Systeme für maschinelles Lernen, ließ das '
        + 'aktuelle Token so aus.',
    },
    B7: {
      name: 'Der Prompt sieht seine Zukunft',
      how: 'Ein einzelnes neues Token braucht keine Maske, also fällt sie weg, wo immer es einen Cache '
        + 'gibt. Aber auch der Prompt wird mit Cache gelesen, und jedes seiner Tokens sieht dann die nach '
        + 'ihm. In TinyLLM war der Fehler beim Training klein, und was es schrieb, war Unsinn.',
    },
    B8: {
      name: 'Eine Maske, die alles Frühere vergisst',
      how: 'Wird ein Prompt in Teilen gelesen, muss die Maske hinter dem beginnen, was schon im Cache '
        + 'liegt. Beginnt sie oben links, sieht der zweite Teil den ersten kaum. Das stand in der '
        + 'Referenz, gegen die executorch prüft, und in hyprstream nach jedem Treffer im Präfix-Cache.',
    },
    B9: {
      name: 'Falsch am Rand eines Blocks',
      how: 'Kernel gehen blockweise durch den Cache, und ein letzter Block mit nur einem Token geht leicht '
        + 'verloren. Jedes sechzehnte Token wird falsch, und ein kurzer Test kommt nie so weit. In '
        + 'tt-metal ist eine Maske undicht, sobald 64 Tokens im Cache liegen, der Block seines Kernels.',
    },
    B11: {
      name: 'Das Auffüllen rechnet mit',
      how: 'Die Texte eines Stapels sind verschieden lang, und die kürzeren werden aufgefüllt. Ohne Maske '
        + 'dafür blickt jede Zeile auf Plätze, in denen nichts von ihrem Text steht. In exllamav2 kamen '
        + 'Stapel merkwürdig heraus: Dort brauchen die Positionen einen Versatz und jede Schicht eine '
        + 'Maske.',
    },
    B14: {
      name: 'Schieben mit gelernten Positionen',
      how: 'Ist der Kontext voll, fallen die ältesten Einträge weg, und die anderen rücken auf. Ihr K und V '
        + 'wurden aber mit den alten Positionen berechnet, die jetzt auch neue Tokens bekommen. In '
        + 'MEDS_EIC_AR stellte sich jedes solche Schieben als ungültig heraus: Der Text muss neu gelesen '
        + 'werden.',
    },
    B17: {
      name: 'Veraltet nach einer Änderung',
      how: 'Der Cache bleibt, weil der neue Prompt aussieht wie der alte und niemand die Tokens vergleicht. '
        + 'Wörter, die weg sind, leben in ihrem K und V weiter, und die Geschichte erzählt von ihnen. Ein '
        + 'Rezept von Hugging Face behielt beim Wiederverwenden eines Prompts einen Eintrag, dessen Token '
        + 'sich geändert hatte, und schrieb andere Texte als ohne Cache.',
    },
    B18: {
      name: 'Ein Token zu viel wiederverwendet',
      how: 'Zwei Prompts haben einen Anfang gemeinsam, und er wird ein Token zu lang gezählt. Das erste '
        + 'geänderte Token kommt dann aus dem alten Text. An Wörtern sieht man solche Nähte schlecht: Der '
        + 'Server von llama.cpp bekam denselben Text als andere Tokens zurück.',
    },
    B19: {
      name: 'Alles im Cache, nichts zu sagen',
      how: 'Derselbe Prompt kommt noch einmal und liegt ganz im Cache. Es bleibt nichts zu rechnen, und so '
        + 'fehlen die Logits, aus denen ein Token gezogen wird; wenigstens das letzte Token muss neu '
        + 'gelesen werden. ax-llm traf darauf, als jemand einen Prompt zweimal schickte.',
    },
    B20b: {
      name: 'Ein verworfener Entwurf bleibt',
      how: 'Spekulatives Dekodieren schreibt ein paar Tokens auf Probe und nimmt die verworfenen zurück. '
        + 'Eines zu wenig, und der Text geht nach einem Token weiter, das niemand sieht. mlx-lm schrieb '
        + 'verdorbene Texte, wo sich ein Cache nicht zurückspulen ließ und verworfene Tokens darin blieben.',
    },
    B21: {
      name: 'Alte Schlüssel hinter dem Zeiger',
      how: 'Zum Zurückspulen rückt ein Zeiger vor, und die alten Schlüssel bleiben liegen. Wer dann ganze '
        + 'Seiten liest, liest sie mit. In mlx-lm ließ das Kürzen eines umlaufenden Caches solche '
        + 'Schlüssel in Reichweite der nächsten Tokens.',
    },
    B22a: {
      name: 'Die Beams wechseln, der Cache nicht',
      how: 'Beam-Search vertauscht bei jedem Schritt seine Texte, und ihre Caches müssen mit. Wird eine Art '
        + 'von Cache vergessen, hier die mit 16-Bit-Zahlen, geht ein Text mit dem Gedächtnis eines anderen '
        + 'weiter. In transformers blieb der quantisierte Teil, wo er war.',
    },
    B25: {
      name: 'Auffüllen im Softmax',
      how: 'Vektorcode mag runde Längen, also läuft die Summe im Softmax über ein paar Plätze mehr. Was '
        + 'dort liegt, ist niemandes Token und bekommt trotzdem seinen Anteil am Gewicht. llama.cpp leert '
        + 'seinen Cache, weil aufgefüllte Schlüssel alte Daten überspannen können.',
    },
  },
};
