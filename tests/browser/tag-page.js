// Articles that use <kv-cache-demo>.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

let pages = 0;

/** What an author's server may send: styles from its own site only, scripts too. */
export const STRICT = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
  + "connect-src 'self'; worker-src 'self'; img-src data:";

/**
 * An article of its own. Scripts are files, as the policy wants it.
 * @returns its name in the site
 */
export async function addArticle(site, { body, script = '', policy = STRICT, head = '' }) {
  const name = `article-${++pages}`;
  await writeFile(join(site.folder, `${name}.js`), script);
  await writeFile(join(site.folder, `${name}.html`), `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta http-equiv="Content-Security-Policy" content="${policy}">
  <title>An article</title>
  <link rel="icon" href="data:,">
  ${head}
  <script src="${name}.js"></script>
</head>
<body><main><h1>An article</h1>${body}</main></body>
</html>`);
  return `${name}.html`;
}

export const SCRIPT = '<script type="module" src="kv-cache-demo.js"></script>';
