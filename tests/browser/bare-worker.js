// The worker without the page: for openPage's `init`, runs in the browser and lends tests openWorker().
export function bareWorker() {
  globalThis.openWorker = () => {
    const worker = new Worker('worker/worker.js', { type: 'module' });
    const messages = []; // all that came back
    worker.onmessage = ({ data }) => messages.push(data);
    worker.onerror = ({ message }) => messages.push({ type: 'crash', message });
    const until = async (found) => {
      for (const end = performance.now() + 30_000; performance.now() < end;) {
        if (messages.some(found)) return messages.find(found);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      throw new Error(`The worker never said ${found}.`);
    };
    const say = (message) => worker.postMessage(message);
    const ask = (id, type, fields) => {
      say({ ...fields, id, type });
      return until((message) => message.id === id && ['answer', 'error'].includes(message.type));
    };
    return { messages, until, say, ask, terminate: () => worker.terminate() };
  };
}
