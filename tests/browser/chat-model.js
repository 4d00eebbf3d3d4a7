// A small random model for conversations, whose answers are noise and whose figures are exact: it writes
// letters alone, each of which is a token, so that what it wrote is the same tokens again.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { byteTokenizer } from '../node/helpers.js';
import { tinyFiles } from '../node/tiny-model.js';

const TOKENS = ['<|im_start|>', '<|im_end|>'];
const TEMPLATE = `{% for message in messages %}
{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}
{%- endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}`;
const SPOKEN = new Set([...'abcdefghijklmnop qrstuvwxyz'].map((letter) => letter.charCodeAt(0)));
export const files = {
  ...tinyFiles({
    changes: { n_positions: 600, vocab_size: 320, eos_token_id: 257 },
    generation: {
      do_sample: true, eos_token_id: [257], max_new_tokens: 40, penalty_alpha: 0.5,
      suppress_tokens: Array.from({ length: 320 }, (_, id) => id).filter((id) => !SPOKEN.has(id)),
    },
  }),
  'tokenizer.json': JSON.stringify(byteTokenizer({ added: TOKENS })),
  'tokenizer_config.json': '{}',
  'chat_template.jinja': TEMPLATE,
};
/** Two of them in a site: "chatty", and "mute", which has no chat template. */
export async function addChatModels(site) {
  for (const [folder, leftOut] of [['chatty', ''], ['mute', 'chat_template.jinja']]) {
    await mkdir(join(site.folder, folder));
    for (const [name, content] of Object.entries(files)) {
      if (name !== leftOut) await writeFile(join(site.folder, folder, name), content);
    }
  }
}

/** What a conversation of these takes: every letter is a token, and so is each of the two that are added. */
export const sizeOf = (...turns) => (
  turns.reduce((sum, [role, text]) => sum + role.length + text.length + 4, 0));
export const BEGUN = '<assistant\n'.length; // an answer
