// Processes of a browser: found, started so that none outlives the tests, and weighed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const PATIENCE_MS = 30_000;

/** The first of these programs on PATH, or at an absolute path. */
export function findProgram(...names) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const places = (name) => (name.startsWith('/') ? [name] : folders.map((folder) => join(folder, name)));
  return names.flatMap(places).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Starts a program in a process group of its own, which is killed when the program ends, when `end()` is
 * called, or when this process is gone, however that went: a shell waits for the pipe from here to break.
 * @param {string} program
 * @param {string[]} args
 * @param {{ env?: Record<string, string | undefined>, announces?: number, pattern?: RegExp }} [options]
 *   the file descriptor on which it says that it is ready, and what it says, which becomes `said`
 */
export async function start(program, args, { env = {}, announces = 0, pattern = /$/ } = {}) {
  const stdio = Array.from({ length: 4 }, (_, i) => (i === 0 || i === announces ? 'pipe' : 'ignore'));
  const child = spawn(
    'sh',
    ['-c', '("$@" </dev/null; kill -KILL 0) & read -r _; kill -KILL 0', 'sh', program, ...args],
    { detached: true, stdio, env: { ...process.env, ...env } },
  );
  const gone = once(child, 'exit');
  const end = async () => {
    child.stdin.end();
    await gone;
  };
  child.stdin.on('error', () => {}); // it has ended by itself
  if (announces === 0) return { end, said: '' };
  try {
    const said = await limited(announcement(child.stdio[announces], pattern, gone), `${program} to start`);
    return { end, said };
  } catch (error) {
    await end();
    throw error;
  }
}

function announcement(stream, pattern, gone) {
  let said = '';
  return new Promise((resolve, reject) => {
    gone.then(() => reject(new Error(`ended at its start: ${said}`)));
    // It is read to its end, or the program would wait once the pipe is full.
    stream.on('data', (data) => {
      said = (said + data).slice(-4096);
      const found = pattern.exec(said);
      if (found) resolve(found[0]);
    });
  });
}

/** Rejects when the promise takes too long. @template T @param {Promise<T>} promise @returns {Promise<T>} */
export function limited(promise, what, ms = PATIENCE_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms in vain for ${what}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** All processes below one that still live, by the table of Linux; undefined elsewhere. */
export function descendants(root = process.pid) {
  let table;
  try {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    table = pids.map(statusOf).filter(Boolean);
  } catch {
    return undefined;
  }
  const below = (pid) =>
    table.filter(({ parent }) => parent === pid).flatMap((child) => [child, ...below(child.pid)]);
  return below(root).filter(({ state }) => state !== 'Z');
}

function statusOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { pid: Number(pid), parent: Number(parent), state, name };
  } catch {
    return undefined; // it ended meanwhile
  }
}

/** Bytes that belong to these processes alone. */
export function privateBytes(processes) {
  return processes.reduce((sum, { pid }) => sum + privateBytesOf(pid), 0);
}

function privateBytesOf(pid) {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return [...rollup.matchAll(/^Private_\w+: +(\d+) kB$/gm)].reduce((sum, [, kb]) => sum + 1024 * kb, 0);
  } catch {
    return 0; // it ended meanwhile
  }
}
