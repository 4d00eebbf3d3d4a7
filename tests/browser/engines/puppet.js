// The driver of a page of Playwright or Puppeteer, which are alike in all that is needed here.
import { foreign, KEPT } from './watch.js';

/** @param page as made in `context`, nothing loaded yet */
export function puppet(page, context) {
  const complaints = [];
  let site;
  page.on('console', (message) => {
    if (['error', 'warning', 'warn'].includes(message.type())) complaints.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error}`));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on('request', (request) => {
    if (foreign(request.url(), site)) complaints.push(`request: ${request.url()}`);
  });
  return {
    goto: (url) => {
      site = url;
      return page.goto(url);
    },
    run: (expression) => page.evaluate(expression),
    clickAt: (x, y) => page.mouse.click(x, y),
    press: (key) => page.keyboard.press(key),
    screenshot: (path) => page.screenshot({ path }),
    complaints: async () => [...complaints, ...JSON.parse(await page.evaluate(KEPT))],
    close: () => context.close(),
  };
}
