// For the page around frames of embed.html: makes each as high as its figure. Once, anywhere on the page:
// <script type="module" src=".../embed-host.js"></script>

const SOURCE = 'kvcache-wasm';
const [LEAST, MOST] = [120, 5000]; // px

const frames = () => [...document.querySelectorAll('iframe')];

addEventListener('message', ({ source, data }) => {
  const { v, type, height } = data?.source === SOURCE ? data : {};
  if (v !== 1 || type !== 'resize' || !Number.isFinite(height)) return;
  const frame = frames().find(({ contentWindow }) => contentWindow === source);
  if (!frame || !/\b(embed|kv-cache-demo)\.html\b/.test(frame.src)) return; // a stranger
  frame.style.height = `${Math.min(MOST, Math.max(LEAST, height))}px`;
});

// Figures that were there first have told their heights before anybody listened.
const question = { source: SOURCE, v: 1, type: 'size' };
for (const { contentWindow } of frames()) contentWindow?.postMessage(question, '*');
