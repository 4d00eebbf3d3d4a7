// A figure without a tag, for tests and recordings: a player with a worker of its own, and the usual views.
// For browsers; esbuild takes it to a page.
import { USUAL } from '../../web/demo/attributes.js';
import { showPlayer } from '../../web/demo/demo.js';
import { Player } from '../../web/demo/player.js';
import { browser } from '../../web/demo/surroundings.js';
import { EngineClient } from '../../web/worker/client.js';

/** @returns {{ player: Player, dispose: () => void }}  dispose takes all of it away again */
export function mountDemo(root, options) {
  const client = new EngineClient();
  const player = new Player({ client, rival: () => new EngineClient(), surroundings: browser, ...options });
  const share = { kind: 'link', model: 'stories', textFor: () => location.href };
  const hide = showPlayer(root, player, share, USUAL);
  player.askDownloadSize();
  const dispose = () => {
    hide();
    player.dispose();
  };
  return { player, dispose };
}
