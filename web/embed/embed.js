// The figure in a frame: its state comes from the frame's own address, and never starts anything by itself;
// the page around it is told how high the figure is, whenever that changes.

const MOST = 10_000; // px: no figure is as high as that
const SOURCE = 'kvcache-wasm';

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** What the address says is checked by the element, as every attribute is. */
function takeState() {
  const query = location.search || location.hash;
  const figure = byId('figure');
  if (query.length > 1) figure.setAttribute('state', query);
  const said = new URLSearchParams(query.replace(/^#/, ''));
  for (const name of ['lang', 'theme']) {
    const value = said.get(name);
    if (value !== null) figure.setAttribute(name, value);
  }
}

/**
 * Tells the height of the wrapper's border box: it depends on the frame's width and not on its height, and so
 * does not grow by itself.
 */
function tellHeight() {
  const wrapper = byId('wrapper');
  let told = 0;
  const tell = () => parent.postMessage({ source: SOURCE, v: 1, type: 'resize', height: told }, '*');
  new ResizeObserver(() => {
    const height = Math.min(MOST, Math.ceil(wrapper.getBoundingClientRect().height));
    if (height === told) return;
    told = height;
    tell();
  }).observe(wrapper, { box: 'border-box' });
  // A page whose script came late asks; nobody else is answered.
  addEventListener('message', ({ source, data }) => {
    if (source === parent && data?.source === SOURCE && data.type === 'size') tell();
  });
}

takeState();
if (/^(https?|file):$/.test(location.protocol)) { // else the address is not the page's own
  byId('figure').setAttribute('link', location.href.replace(/[?#].*/, ''));
}
if (parent !== window) tellHeight();
