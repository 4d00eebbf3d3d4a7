// Was ein Fehler bedeutet, auf Deutsch: je ein Satz für jeden Code. Dahinter steht die englische Meldung der
// Engine.

/** @import { FailureCode } from '../failure.js' */

/** @type {Record<FailureCode, string>} */
export const failures = {
  invalid_argument: 'Eine Einstellung hat einen Wert, den die Engine nicht annimmt.',
  config_invalid: 'Eine Größe oder Einstellung des Modells fehlt oder liegt außerhalb des unterstützten '
    + 'Bereichs.',
  out_of_memory: 'Der Speicher reicht nicht: andere Tabs schließen oder ein kleineres Modell nehmen.',
  tensor_unknown: 'Die Modelldatei enthält einen Tensor, den dieses Modell nicht hat.',
  tensor_dtype: 'Ein Tensor des Modells hat ein Zahlenformat, das die Engine nicht annimmt.',
  tensor_shape: 'Die Form eines Tensors passt nicht zur Konfiguration des Modells.',
  tensor_bytes: 'Ein Tensor hat weniger oder mehr Bytes, als seine Form braucht.',
  tensor_duplicate: 'Ein Tensor kommt im Modell doppelt vor.',
  tensor_missing: 'Dem Modell fehlt ein Tensor, den es braucht.',
  token_out_of_range: 'Ein Token steht nicht im Vokabular des Modells.',
  position_out_of_range: 'Eine Position liegt außerhalb des Kontexts.',
  context_full: 'Der Kontext ist voll: Das Modell hat keine freie Position mehr.',
  cache_full: 'Der Cache ist voll: Für weitere Keys und Values ist kein Platz.',
  not_ready: 'Das Modell ist noch nicht bereit.',
  not_finite: 'Ein Gewicht oder ein Ergebnis des Modells ist keine endliche Zahl.',
  busy: 'Die Engine arbeitet noch an etwas anderem.',
  unsupported: 'Das ist mit diesem Modell nicht möglich.',
  state_invalid: 'Der gespeicherte Zustand ist beschädigt oder unvollständig.',
  state_foreign: 'Der gespeicherte Zustand gehört zu einer anderen Version oder einem anderen Modell.',
  no_source: 'Dem Modell fehlt der Ausgangstext.',
  source_too_long: 'Der Ausgangstext ist zu lang.',

  file_unreachable: 'Eine Datei ließ sich nicht laden.',
  file_is_html: 'Anstelle einer Modelldatei kam eine Webseite.',
  file_truncated: 'Eine Datei brach ab, bevor alle ihre Bytes da waren.',
  json_invalid: 'Eine JSON-Datei des Modells ist ungültig, zu lang oder zu tief verschachtelt.',
  index_invalid: 'Das Verzeichnis der Gewichtsdateien ist beschädigt oder passt nicht zu ihnen.',
  weights_format: 'Die Gewichte liegen nur in einem Format vor, das nicht gelesen wird.',
  unsupported_architecture: 'Dieses Modell rechnet etwas, was die Engine nicht kann.',
  tokenizer_invalid: 'Die Datei tokenizer.json ist beschädigt, von anderer Art oder passt nicht zum Modell.',
  chat_template_missing: 'Das Modell hat keine Chat-Vorlage dieses Namens oder gar keine.',
  chat_template_failed: 'Die Chat-Vorlage ist beschädigt, lehnt das Gespräch ab oder verlangt zu viel.',

  safetensors_header_too_small: 'Die Modelldatei ist zu kurz: Ihr fehlt schon der Anfang.',
  safetensors_header_too_large: 'Das Verzeichnis der Modelldatei ist zu lang oder nennt zu viele Tensoren.',
  safetensors_header_length: 'Das Verzeichnis der Modelldatei wäre länger als die Datei.',
  safetensors_header_utf8: 'Das Verzeichnis der Modelldatei ist kein gültiger Text.',
  safetensors_header_json: 'Das Verzeichnis der Modelldatei ist kein gültiges JSON.',
  safetensors_duplicate_key: 'Im Verzeichnis der Modelldatei steht ein Name doppelt.',
  safetensors_metadata: 'Die Metadaten der Modelldatei sind ungültig.',
  safetensors_tensor_info: 'Ein Eintrag im Verzeichnis der Modelldatei ist ungültig.',
  safetensors_dtype: 'Die Modelldatei enthält ein Zahlenformat, das hier nicht benutzt werden kann.',
  safetensors_offsets: 'Die Tensoren der Modelldatei liegen nicht lückenlos hintereinander.',
  safetensors_overflow: 'Die Modelldatei nennt eine Größe, die zu groß zum Rechnen ist.',
  safetensors_size_mismatch: 'Ein Tensor der Modelldatei ist nicht so groß, wie seine Form verlangt.',
  safetensors_trailing_bytes: 'Die Modelldatei geht nach ihrem letzten Tensor noch weiter.',

  wasm_unsupported: 'Dieser Browser kann das nötige WebAssembly nicht ausführen.',
  wasm_invalid: 'Die WebAssembly-Datei fehlt, ist beschädigt oder gehört zu einer anderen Version.',
  trapped: 'Die Engine ist abgestürzt; das Modell muss neu geladen werden.',
  outputs_differ: 'Zahlen, die bis aufs letzte Bit gleich sein müssen, sind verschieden. Das darf nicht '
    + 'sein: bitte melden.',
  disposed: 'Das Modell wurde schon geschlossen.',
  aborted: 'Die Arbeit wurde angehalten.',

  internal: 'Auf dieser Seite ist etwas schiefgegangen.',
  worker_lost: 'Der Hintergrund-Worker ließ sich nicht starten oder wurde beendet.',
};
