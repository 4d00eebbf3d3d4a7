// The manual's table of the element, as custom-elements.json has it. node tests/node/manual.js writes it.
import { readFile, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

const ROOT = new URL('../../', import.meta.url);
const README = new URL('web/README.md', ROOT);
const [BEGIN, END] = ['<!-- from custom-elements.json -->\n', '<!-- end -->\n'];

export const readManifest = async () => (
  JSON.parse(await readFile(new URL('custom-elements.json', ROOT), 'utf8')));

/** The one element that it declares. */
export const elementIn = ({ modules }) => modules.flatMap(({ declarations }) => declarations)
  .find(({ customElement }) => customElement);

/** @returns {string} Markdown */
export function tableOf(element) {
  const row = (...cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
  const code = (text) => (text ? `\`${text}\`` : '');
  const section = (title, middle, last, rows) => row(`**${title}**`, middle, last) + rows.join('');
  const described = (prefix) => ({ name, description }) => row(code(prefix + name), '', description);
  const fields = element.members.filter(({ kind, attribute }) => kind === 'field' && !attribute);
  const methods = element.members.filter(({ kind }) => kind === 'method');
  return row('Attribute', 'Property', '') + row('---', '---', '---')
    + element.attributes.map(({ name, fieldName, type, default: preset, description }) => row(
      code(name), `${code(fieldName)}: ${code(type.text)}`,
      [description, code(preset)].filter(Boolean).join('. '),
    )).join('')
    + section('Besides', '', '', fields.map(({ name, type, description }) => row(
      '', `${code(`${element.name}.${name}`)}: ${code(type.text)}`, description)))
    + section('Method', 'Resolves with', '', methods.map(({ name, parameters = [], ...method }) => (
      row(code(`${name}(${parameters.map((each) => each.name).join(', ')})`), code(method.return.type.text),
        method.description))))
    + section('Event', '`detail`', '', element.events.map(({ name, type, description }) => (
      row(code(name), code(type.text), description))))
    + section('Custom property', '', '', element.cssProperties.map(described('')))
    + section('Part', '', '', element.cssParts.map(described('::part(')).map((text) => (
      text.replace(/^\| `(::part\([^`]*)`/, '| `$1)`'))));
}

/** The manual, with that table in its place. */
export async function manual() {
  const text = await readFile(README, 'utf8');
  const [from, to] = [text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END)];
  if (from < BEGIN.length || to < from) throw new Error('the manual has no place for the table');
  return { text, wanted: text.slice(0, from) + tableOf(elementIn(await readManifest())) + text.slice(to) };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await writeFile(README, (await manual()).wanted);
}
