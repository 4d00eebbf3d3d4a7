// The figure in a notebook: the contract of anywidget, which Jupyter, JupyterLab, VS Code, Colab, marimo and
// MyST share. The build has everything inside, because such modules arrive without an address of their own.
import { ATTRIBUTES, OTHERS, TAG } from '../demo/attributes.js';
import '../demo/kv-cache-demo.js';

const NAMES = [...ATTRIBUTES.map(({ name }) => name), ...OTHERS];

/**
 * Each attribute is a trait of the model: max_tokens, or max-tokens in MyST.
 * @param {{ model: { get: (name: string) => unknown }, el: HTMLElement }} context
 */
function render({ model, el }) {
  const figure = document.createElement(TAG);
  for (const name of NAMES) {
    const value = model.get(name.replaceAll('-', '_')) ?? model.get(name) ?? false;
    if (value !== false) figure.setAttribute(name, value === true ? '' : String(value));
  }
  el.append(figure);
  return () => figure.remove();
}

export default { render };
